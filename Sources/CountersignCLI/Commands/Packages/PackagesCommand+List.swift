import ArgumentParser
import CountersignStore

extension PackagesCommand {
    /// `countersign packages list` lists packages.
    struct List: EnvironmentCommand {
        static let configuration = CommandConfiguration(
            abstract: "List packages, those first to which something happened last.",
            discussion: """
                Examples:
                  countersign packages list
                  countersign packages list --prefix 5n4o
                  countersign packages list --watch
                """
        )

        @Option(help: ArgumentHelp("Only packages whose ids begin so, in the order of ids.", valueName: "text"))
        var prefix: String?

        @OptionGroup(title: "How it is shown") var listing: ListingOptions

        @OptionGroup var options: SettingsOptions

        func run(in environment: CommandEnvironment) async throws {
            let settings = try options.settings(in: environment)
            try await listing.show(in: environment, settings) { [prefix, limit = listing.limit] archive in
                .packages(try await archive.packages(prefix: prefix, limit: limit))
            }
        }
    }
}
