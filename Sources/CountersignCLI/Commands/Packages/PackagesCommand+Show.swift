import ArgumentParser
import CountersignCore
import CountersignOperations
import CountersignServer

extension PackagesCommand {
    /// `countersign packages show` tells the timeline of one package.
    struct Show: EnvironmentCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show the timeline of a package: its events, runs and steps.",
            discussion: """
                Examples:
                  countersign packages show 5n4obeO8jYoPp126Cm-Y3fxdfbo=
                  countersign packages show 5n4obeO8jYoPp126Cm-Y3fxdfbo= --json
                """
        )

        @Argument(help: "The package's id.", completion: .packages)
        var id: String

        @Flag(help: "Print a JSON object.")
        var json = false

        @OptionGroup var colours: ColourOptions

        @OptionGroup var options: ClientOptions

        func run(in environment: CommandEnvironment) async throws {
            let timeline = try await options.client(in: environment).ask { try await $0.package(id) }
            print(
                json
                    ? timeline.json.indented
                    : timeline.text(on: environment.terminal(colours.choice), at: environment.clock.now)
            )
        }
    }
}
