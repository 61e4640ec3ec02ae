import ArgumentParser
import CountersignActions
import CountersignCore
import CountersignEngine
import CountersignRules
import CountersignStore
import Foundation

/// `countersign diff` tells which runs an edit of the rules would have made or not made.
struct DiffCommand: EnvironmentCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Compare two rule sets on the stored events.",
        discussion: """
            Evaluates the stored events with both rule sets, each event as of the time at which it was
            received, and shows for each rule which runs the new set adds and removes. Nothing is executed
            or written.

            Examples:
              countersign diff rules edited-rules
              countersign diff rules edited-rules --since 7d --json

            Exit status: 0 done, whether runs differ or not (with --exit-code: 1 when
            they differ), 1 the rules have errors, 2 wrong usage.
            """
    )

    @Argument(help: ArgumentHelp("The rules as they are: a folder or a file.", valueName: "old"), completion: .file())
    var old: String

    @Argument(help: ArgumentHelp("The edited rules: a folder or a file.", valueName: "new"), completion: .file())
    var new: String

    @Option(help: ArgumentHelp("Only events of the last time, such as 7d.", valueName: "duration"))
    var since: String?

    @Option(help: "The number of added and removed runs to show for each rule.")
    var examples = 3

    @Flag(help: "Exit with status 1 if runs differ.")
    var exitCode = false

    @Flag(help: "Print a JSON object.")
    var json = false

    @OptionGroup var progress: ProgressOptions

    @OptionGroup var options: SettingsOptions

    func validate() throws {
        guard examples >= 0 else { throw ValidationError("--examples must be 0 or more") }
    }

    func run(in environment: CommandEnvironment) async throws {
        let settings = try options.settings(in: environment)
        let registry = try await environment.registry(for: settings)
        func ruleSet(at path: String) throws -> RuleSet {
            let path = path.absolute(from: environment.workingDirectory)
            return try environment.ruleSet(of: environment.ruleSources([path]), registry)
        }
        let start = try environment.date(before: since)
        var diff = RunDiff(
            old: try ruleSet(at: old),
            new: try ruleSet(at: new),
            examples: examples
        )
        try await environment.reading(settings) { archive in
            let total = try await archive.expectedEvents(since: start)
            let bar = Progress("Judging events", of: total, isWanted: !json && !progress.quiet, environment)
            defer { bar.end() }
            try await diff.evaluate(archive, since: start) { bar.advance(to: $0) }
        }
        let text = DiffText(diff)
        print(json ? text.json.indented : text.text)
        if exitCode, diff.differs { throw ExitCode(1) }
    }
}

extension Archive {
    /// About how many events arrived since a time: their numbers are given in the order of coming.
    ///
    /// - Throws: `StoreError`.
    fileprivate func expectedEvents(since start: Date?) async throws -> Int? {
        guard let first = try await events(after: EventPosition(before: start), limit: 1).first,
            let last = try await events(EventQuery(limit: 1)).first
        else { return nil }
        let count = Int(last.event.id.rawValue - first.event.id.rawValue) + 1
        return count > 0 ? count : nil
    }
}
