import ArgumentParser
import CountersignCore
import CountersignOperations
import CountersignRules
import CountersignServer
import CountersignStore
import CountersignTerminal

extension RulesCommand {
    /// `countersign rules install` activates the rules of a folder.
    struct Install: EnvironmentCommand {
        static let configuration = CommandConfiguration(
            abstract: "Activate the rules of a folder, for every instance of the store.",
            discussion: """
                Where instances share a store, a change of one instance's folder activates its rules for all
                of them. This command activates rules without such a change: an older set that is needed
                again at once, or the rules of a folder that differs from the active ones.

                Rules with errors are refused, and the active ones stay. A server that alone has its store
                goes back to the rules of its own folder at its next start.

                Examples:
                  countersign rules install
                  countersign rules install /srv/rules-of-last-week
                """
        )

        @Argument(
            help: "The folder of the rules; by default the one that the settings name.",
            completion: .directory
        )
        var folder: String?

        @Flag(help: "Print a JSON object.")
        var json = false

        @OptionGroup var options: ClientOptions

        func run(in environment: CommandEnvironment) async throws {
            let settings = try options.settings(in: environment)
            let path = folder.map { $0.absolute(from: environment.workingDirectory) } ?? settings.rulesPath
            let sources: RuleSources
            do {
                sources = try RuleSources.read(folder: path)
            } catch {
                throw CommandFailure("\(error)")
            }
            let done = try await options.client(in: environment)
                .order { commands, _ in try await commands.install(sources) }
            if json { return print(done.json.indented) }
            for warning in done.warnings { StandardError.tell("warning: \(warning.printable)") }
            let activation = done.activation
            print(
                "rule set \(activation.ruleSet.short) is active since \(activation.since.rfc3339) (activation "
                    + "\(activation.number), \(counted(done.count, "rule")))"
            )
        }
    }
}
