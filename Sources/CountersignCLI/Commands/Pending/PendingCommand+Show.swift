import ArgumentParser
import CountersignCore
import CountersignOperations
import CountersignServer
import CountersignTerminal

extension PendingCommand {
    /// `countersign pending show` shows one thing that is pending.
    struct Show: EnvironmentCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "Show one thing that is pending, and what was decided so far.",
            discussion: """
                Examples:
                  countersign pending show 12
                  countersign pending show q1c9a7f03
                """
        )

        @Argument(help: "The number, or the name of a queue.", completion: .pending)
        var id: String

        @Flag(help: "Print a JSON object.")
        var json = false

        @OptionGroup var colours: ColourOptions

        @OptionGroup var options: ClientOptions

        func run(in environment: CommandEnvironment) async throws {
            let details = try await options.client(in: environment).ask { try await $0.pendingItem(id) }
            print(json ? details.json.indented : details.text(on: environment.terminal(colours.choice)))
        }
    }
}
