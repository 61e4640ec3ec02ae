import ArgumentParser
import CountersignCore
import CountersignOperations

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

        @OptionGroup var options: SettingsOptions

        func run(in environment: CommandEnvironment) async throws {
            try await environment.reading(options.settings(in: environment)) { archive in
                guard let timeline = try await PackageTimeline.read(id, from: archive) else {
                    throw CommandFailure(
                        "there is no event of a package '\(id.printable)'; see 'countersign packages list'"
                    )
                }
                print(json ? timeline.json.indented : timeline.text(on: environment.terminal(colours.choice)))
            }
        }
    }
}
