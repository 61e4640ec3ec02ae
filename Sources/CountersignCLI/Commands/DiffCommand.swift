import ArgumentParser
import CountersignCore
import CountersignEngine
import CountersignOperations
import CountersignRules
import CountersignServer
import CountersignTerminal
import Foundation

/// `countersign diff` tells which runs an edit of the rules would have made or not made.
struct DiffCommand: EnvironmentCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Compare two rule sets on the stored events.",
        discussion: """
            Evaluates the stored events with both rule sets, each event as of the time at which it was
            received, and shows for each rule which runs the new set adds and removes; then what becomes of
            timers, digests and counts that are open now. Nothing is executed or written.

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

    @OptionGroup var options: ClientOptions

    func validate() throws {
        guard examples >= 0 else { throw ValidationError("--examples must be 0 or more") }
    }

    func run(in environment: CommandEnvironment) async throws {
        let client = try options.client(in: environment)
        func sources(at path: String) throws -> RuleSources {
            try environment.ruleSources([path.absolute(from: environment.workingDirectory)])
        }
        let request = DiffRequest(
            old: try sources(at: old),
            new: try sources(at: new),
            since: try environment.date(before: since),
            examples: examples
        )
        let bar = Progress("Evaluating events", isWanted: !json && !progress.quiet, variables: environment.variables)
        defer { bar.end() }
        let diff = try await client.ask { questions in
            try await questions.diff(request) { bar.advance(to: $0, of: $1) }
        }
        print(json ? diff.json.indented : DiffText(diff).text)
        if exitCode, diff.differs { throw ExitCode(1) }
    }
}
