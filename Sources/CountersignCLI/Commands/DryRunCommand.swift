import ArgumentParser
import CountersignActions
import CountersignCore
import CountersignEngine
import CountersignOneSpan
import CountersignOperations
import CountersignRules
import CountersignServer
import CountersignStore
import CountersignTerminal
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
              countersign dry-run morning-report         (a rule with a schedule: its next occurrence)
              curl -s https://example.com/recorded.jsonl | countersign dry-run --json -

            With --server, the active rules of that server are used. What rules with time and state would
            decide depends on the stored events, timers and counts: the store of the settings is looked
            into if it exists, or that of the server.

            A payload is a file, a folder, - for standard input, the name of a published sample, or the id of a
            rule with a schedule. It contains one JSON object, an array of objects, or one object per line.

            With --json, a disabled rule has "enabled": false; a step that its 'if' skips has "skipped": true
            instead of a plan, one that would fail has "failure", one that lacks a secret or a setting has
            "would_fail" with the reason, and one whose 'if' uses results of earlier steps has
            "depends_on_results": true.
            """
    )

    @Argument(
        help: ArgumentHelp(
            "Files, folders, - for standard input, sample names, or ids of rules with a schedule.",
            valueName: "payload"
        ),
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

    @OptionGroup var options: ClientOptions

    func validate() throws {
        guard options.server == nil || rules == nil && package == nil else {
            throw ValidationError("a server uses its active rules and its own packages: omit --rules and --package")
        }
    }

    func run(in environment: CommandEnvironment) async throws {
        let rehearsal = try await rehearsal(in: environment)
        var payloadReader = PayloadReader(workingDirectory: environment.workingDirectory)
        for name in payloadReader.unknownNames(among: payloads) {
            guard let occurrence = try await rehearsal.occurrence(name) else { continue }
            payloadReader.others[name] = PayloadReader.Source(name: name, body: occurrence.bytes)
        }
        let payloads = try payloadReader.sources(payloads)
        let reader = OneSpanCallbacks()
        let package = try package.map { try self.package(at: $0, environment) }
        var unreadable = 0
        for (index, payload) in payloads.enumerated() {
            let delivery: Delivery
            do throws(UnreadableBody) {
                delivery = try reader.read(payload.body, origin: .manual)
            } catch {
                unreadable += 1
                StandardError.tell("\(payload.name): \(error.reason)")
                continue
            }
            let event = Event(tried: delivery, package: package, at: environment.clock.now)
            let found = try await rehearsal.report(delivery, event)
            if index > 0, !json { print() }
            show(found, from: payload.name)
        }
        if unreadable > 0 { throw ExitCode(1) }
    }

    private func rehearsal(in environment: CommandEnvironment) async throws -> Rehearsal {
        if let server = try options.client(in: environment).remote {
            return Rehearsal(server: server, now: environment.clock.now)
        }
        let settings = try options.local.settings(in: environment, flags: ["rules": rules])
        let registry = try await environment.registry(for: settings)
        let ruleSet = try environment.ruleSet(of: environment.ruleSources([settings.rulesPath]), registry)
        let dryRun = DryRun(
            ruleSet: ruleSet,
            planner: Planner(registry: registry),
            provisions: settings.provisions(for: ruleSet, environment.variables)
        )
        return Rehearsal(dryRun, of: ruleSet, on: archive(of: settings), clock: environment.clock)
    }

    /// The store of the settings; nil where there is none, or it cannot be read.
    private func archive(of settings: Settings) -> (any Archive)? {
        guard settings.driver.exists else { return nil }
        do {
            return try settings.driver.reader()
        } catch {
            StandardError.tell("what rules have open is not looked at: \(error)")
            return nil
        }
    }

    private func show(_ report: DryRunReport, from source: String) {
        guard !json else {
            var document: JSONObject = ["source": .string(source)]
            for member in report.json.object?.members ?? [] { document[member.key] = member.value }
            return print(JSON.object(document).text)
        }
        print(DryRunText(source: source, event: report.event, reports: report.rules).text(onlyMatching: matching))
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
