import ArgumentParser
import CountersignCore
import CountersignOperations
import CountersignServer
import CountersignStore

extension PackagesCommand {
    /// `countersign packages list` lists packages.
    struct List: EnvironmentCommand {
        static let configuration = CommandConfiguration(
            abstract: "List packages, most recent activity first.",
            discussion: """
                Examples:
                  countersign packages list
                  countersign packages list --prefix 5n4o
                  countersign packages list --event PACKAGE_OPT_OUT --since 7d
                  countersign packages list --watch
                """
        )

        @Option(help: ArgumentHelp("Only packages whose id starts with this, sorted by id.", valueName: "text"))
        var prefix: String?

        @Option(
            help: ArgumentHelp("Only packages with an event of this name.", valueName: "name"),
            completion: .list(EventCatalogue.names)
        )
        var event: String?

        @Option(
            help: ArgumentHelp(
                "Only packages with an event since this time: 2d (ago), a date, or a time.",
                valueName: "time"
            )
        )
        var since: String?

        @Option(help: ArgumentHelp("Only packages with an event before this time.", valueName: "time"))
        var until: String?

        @OptionGroup(title: "Output") var listing: ListingOptions

        @OptionGroup var options: ClientOptions

        func run(in environment: CommandEnvironment) async throws {
            let client = try options.client(in: environment)
            _ = try environment.span(since: since, until: until)
            try await listing.show(in: environment, client) { [self, limit = listing.limit] questions in
                var query = PackageQuery(prefix: prefix, event: event, limit: limit)
                (query.since, query.until) = try environment.span(since: since, until: until)
                return await .packages(try await questions.packages(query).packages).explained { unknownEvent(event) }
            }
        }
    }
}
