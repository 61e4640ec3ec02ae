import ArgumentParser
import CountersignActions
import CountersignCore
import CountersignEngine
import CountersignOneSpan
import CountersignOperations
import CountersignRules
import Foundation

/// `countersign dry-run` tells what the rules would do.
struct DryRunCommand: EnvironmentCommand {
    static let configuration = CommandConfiguration(
        commandName: "dry-run",
        abstract: "Show what the rules would do, without doing it.",
        discussion: """
            For each event and rule: whether it matches and why, and what each step would do. Values are
            filled in, secrets are masked, and steps are assumed to succeed.

            Examples:
              countersign dry-run PACKAGE_COMPLETE
              countersign dry-run --rules rules examples/payloads
              curl -s https://example.com/recorded.jsonl | countersign dry-run --json -

            A payload is a file, a folder, - for standard input, or the name of a published sample. It contains
            one JSON object, an array of objects, or one object per line.

            With --json, a disabled rule has "enabled": false; a step that its 'if' skips has "skipped": true
            instead of a plan, one that would fail has "failure", one that lacks a secret or a setting has
            "would_fail" with the reason, and one whose 'if' uses results of earlier steps has
            "depends_on_results": true.
            """
    )

    @Argument(
        help: ArgumentHelp("Files, folders, - for standard input, or sample names.", valueName: "payload"),
        completion: .payloads
    )
    var payloads: [String]

    @Option(
        help: ArgumentHelp("Rule files or folder (default: the rules of the settings).", valueName: "path"),
        completion: .file()
    )
    var rules: String?

    @Option(
        help: ArgumentHelp(
            "A file with the package as returned by GET /api/packages/ID, for rules that use it.",
            valueName: "file"
        ),
        completion: .file(extensions: ["json"])
    )
    var package: String?

    @Flag(help: "Show only rules that match.")
    var matching = false

    @Flag(help: "Print one JSON object per line for each event.")
    var json = false

    @OptionGroup var options: SettingsOptions

    func run(in environment: CommandEnvironment) async throws {
        let settings = try options.settings(in: environment, flags: ["rules": rules])
        let registry = try await environment.registry(for: settings)
        let ruleSet = try environment.ruleSet(of: environment.ruleSources([settings.rulesPath]), registry)
        let dryRun = DryRun(
            ruleSet: ruleSet,
            planner: Planner(registry: registry),
            provisions: settings.provisions(for: ruleSet, environment.variables)
        )
        let payloads = try PayloadReader(workingDirectory: environment.workingDirectory).sources(payloads)
        let reader = OneSpanCallbacks(authentication: .none)
        let package = try package.map { try self.package(at: $0, environment) }
        var unreadable = 0
        for (index, payload) in payloads.enumerated() {
            do throws(UnreadableBody) {
                let delivery = try reader.read(payload.body, origin: .manual)
                let event = event(of: delivery, package, at: environment.clock.now)
                let reports = await dryRun.report(on: event, at: environment.clock.now)
                if index > 0, !json { print() }
                show(reports, on: event, from: payload.name)
            } catch {
                unreadable += 1
                StandardError.tell("\(payload.name): \(error.reason)")
            }
        }
        if unreadable > 0 { throw ExitCode(1) }
    }

    private func event(of delivery: Delivery, _ package: JSON?, at now: Date) -> Event {
        Event(
            id: Event.ID(rawValue: 0),
            name: delivery.name,
            payload: delivery.payload,
            origin: EventCatalogue.origin(of: delivery.name),
            receivedAt: now,
            package: package
        )
    }

    private func show(_ reports: [DryRun.RuleReport], on event: Event, from source: String) {
        guard !json else {
            let document: JSON = [
                "source": .string(source), "event": event.payload, "rules": .array(reports.map(\.json)),
            ]
            return print(document.text)
        }
        print(DryRunText(source: source, event: event, reports: reports).text(onlyMatching: matching))
    }

    private func package(at file: String, _ environment: CommandEnvironment) throws -> JSON {
        guard let data = OutsideFile.contents(at: file.absolute(from: environment.workingDirectory)) else {
            throw CommandFailure("'\(file)' cannot be read; check that it exists and is readable")
        }
        do throws(JSONError) {
            let package = try JSON(parsing: Array(data), limits: JSON.Limits(depth: 64, keys: .max))
            if package.object != nil { return package }
        } catch {
            throw CommandFailure("'\(file)' does not contain a package: \(error)")
        }
        throw CommandFailure("'\(file)' does not contain a package: it must be one JSON object")
    }
}
