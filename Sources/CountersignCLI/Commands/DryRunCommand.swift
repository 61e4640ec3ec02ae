import ArgumentParser
import CountersignActions
import CountersignAdmin
import CountersignEngine
import CountersignModel
import CountersignOneSpan
import CountersignRules
import Foundation

/// `countersign dry-run` tells what the rules would do.
struct DryRunCommand: EnvironmentCommand {
    static let configuration = CommandConfiguration(
        commandName: "dry-run",
        abstract: "Show what the rules would do with payloads, and do nothing.",
        discussion: """
            For each event and rule: does it match, why or why not, and what would each step do. Values are filled in,
            secrets are masked, steps are taken to succeed.

            Examples:
              countersign dry-run PACKAGE_COMPLETE
              countersign dry-run --rules rules examples/payloads
              curl -s https://example.com/recorded.jsonl | countersign dry-run --json -

            A payload is a file, a folder, - for standard input, or the name of a published sample; a text holds one
            JSON object, an array of them, or one a line.

            With --json a rule that is switched off has "enabled": false; a step that its 'if' skips has "skipped": true
            instead of a plan, one that would fail has "failure", one that lacks a secret or a setting has "would_fail" with
            the reason, and one whose 'if' looks at results of earlier steps has "depends_on_results": true.
            """
    )

    @Argument(
        help: ArgumentHelp("Files, folders, - for standard input, or names of samples.", valueName: "payload"),
        completion: .payloads
    )
    var payloads: [String]

    @Option(
        help: ArgumentHelp("Rule files or folder (default: the rules of the settings).", valueName: "path"),
        completion: .file()
    )
    var rules: String?

    @Option(
        help: ArgumentHelp("The package, as GET /api/packages/ID gives it, for rules that use it.", valueName: "file"),
        completion: .file(extensions: ["json"])
    )
    var package: String?

    @Flag(help: "Show only rules that match.")
    var matching = false

    @Flag(help: "Print a JSON object for each event on a line.")
    var json = false

    @OptionGroup var options: SettingsOptions

    func run(in environment: CommandEnvironment) async throws {
        let settings = try options.settings(in: environment, flags: ["rules": rules])
        let registry = try await environment.registry(for: settings)
        let ruleSet = try environment.ruleSet(of: environment.ruleSources([settings.rulesPath]), registry)
        let places = SecretFiles(folder: settings.secretsFolder, variables: environment.variables)
        let dryRun = DryRun(
            ruleSet: ruleSet,
            planner: Planner(registry: registry),
            configured: settings.configured.adding(secrets: places.load(ruleSet.optionalSecretNames).names),
            missingSecrets: places.load(ruleSet.secretNames).missing,
            lack: { settings.lack(of: $0) }
        )
        let payloads = try PayloadReader(workingDirectory: environment.workingDirectory).sources(payloads)
        let reader = OneSpanCallbacks(authentication: .none)
        let package = try package.map { try self.package(at: $0, environment) }
        var unreadable = 0
        for (index, payload) in payloads.enumerated() {
            do throws(UnreadableBody) {
                let delivery = try reader.read(payload.body, origin: .manual)
                let event = Event(
                    id: Event.ID(rawValue: 0),
                    name: delivery.name,
                    payload: delivery.payload,
                    origin: EventCatalogue.origin(of: delivery.name),
                    receivedAt: environment.clock.now,
                    package: package
                )
                let reports = await dryRun.report(on: event, at: environment.clock.now)
                if json {
                    let document: JSON = [
                        "source": .string(payload.name), "event": event.payload,
                        "rules": .array(reports.map(\.json)),
                    ]
                    print(document.text)
                } else {
                    if index > 0 { print() }
                    let text = DryRunText(source: payload.name, event: event, reports: reports)
                    print(text.text(onlyMatching: matching))
                }
            } catch {
                unreadable += 1
                StandardError.tell("\(payload.name): \(error.reason)")
            }
        }
        if unreadable > 0 { throw ExitCode(1) }
    }

    private func package(at file: String, _ environment: CommandEnvironment) throws -> JSON {
        guard let data = OutsideFile.contents(at: file.absolute(from: environment.workingDirectory)) else {
            throw CommandFailure("'\(file)' cannot be read; see whether it is there, and who may read it")
        }
        do throws(JSONError) {
            let package = try JSON(parsing: Array(data), limits: JSON.Limits(depth: 64, keys: .max))
            if package.object != nil { return package }
        } catch {
            throw CommandFailure("'\(file)' holds no package: \(error)")
        }
        throw CommandFailure("'\(file)' holds no package: it must be one JSON object")
    }
}
