import ArgumentParser
import CountersignOperations
import CountersignServer
import CountersignStore

extension QuarantineCommand {
    /// `countersign quarantine list` lists bodies.
    struct List: EnvironmentCommand {
        static let configuration = CommandConfiguration(
            abstract: "List quarantined bodies, newest first.",
            discussion: """
                Examples:
                  countersign quarantine list
                  countersign quarantine list --since 2d --json
                """
        )

        @Option(help: ArgumentHelp("Only those since this time: 2d (ago), a date, or a time.", valueName: "time"))
        var since: String?

        @OptionGroup(title: "Output") var listing: ListingOptions

        @OptionGroup var options: ClientOptions

        func run(in environment: CommandEnvironment) async throws {
            let client = try options.client(in: environment)
            _ = try environment.date(before: since)
            try await listing.show(in: environment, client) { [since, limit = listing.limit] questions in
                let query = QuarantineQuery(since: try environment.date(before: since), limit: limit)
                return .quarantined(try await questions.quarantined(query).bodies)
            }
        }
    }
}
