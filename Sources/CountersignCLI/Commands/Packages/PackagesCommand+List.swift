import ArgumentParser
import CountersignModel
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
                  countersign packages list --event PACKAGE_OPT_OUT --since 7d
                  countersign packages list --watch
                """
        )

        @Option(help: ArgumentHelp("Only packages whose ids begin so, in the order of ids.", valueName: "text"))
        var prefix: String?

        @Option(
            help: ArgumentHelp("Only packages with an event of this name.", valueName: "name"),
            completion: .list(EventCatalogue.names)
        )
        var event: String?

        @Option(
            help: ArgumentHelp(
                "Only packages of which something came in since then: 2d (ago), a day, or a time.",
                valueName: "time"
            )
        )
        var since: String?

        @Option(help: ArgumentHelp("Only packages of which something came in before then.", valueName: "time"))
        var until: String?

        @OptionGroup(title: "How it is shown") var listing: ListingOptions

        @OptionGroup var options: SettingsOptions

        func run(in environment: CommandEnvironment) async throws {
            let settings = try options.settings(in: environment)
            _ = try environment.span(since: since, until: until)
            try await listing.show(in: environment, settings) { [self, limit = listing.limit] archive in
                guard event != nil || since != nil || until != nil else {
                    return .packages(try await archive.packages(prefix: prefix, limit: limit))
                }
                var query = EventQuery(name: event, limit: Self.page)
                (query.since, query.until) = try environment.span(since: since, until: until)
                return await .packages(try await archive.packages(of: query, prefix: prefix ?? "", limit: limit))
                    .explained { unknownEvent(event) }
            }
        }

        /// How many events are read at a time.
        private static let page = 500
    }
}

extension Archive {
    /// The packages of the events that a query asks for, those of the latest events first.
    ///
    /// The limit of the query is how many events are read at a time; the ids of the packages begin with `prefix`.
    ///
    /// - Throws: `StoreError`.
    fileprivate func packages(of query: EventQuery, prefix: String, limit: Int) async throws -> [PackageSummary] {
        var query = query
        var seen: Set<String> = []
        var found: [PackageSummary] = []
        while found.count < limit {
            let page = try await events(query)
            for stored in page where found.count < limit {
                guard let id = stored.event.payload["packageId"]?.plainText, id.hasPrefix(prefix) else { continue }
                // Of all that begin with the whole id, it is the first.
                guard seen.insert(id).inserted, let summary = try await packages(prefix: id, limit: 1).first else {
                    continue
                }
                if summary.id == id { found.append(summary) }
            }
            guard page.count == query.limit, let last = page.last else { break }
            query.before = EventPosition(receivedAt: last.event.receivedAt, id: last.event.id)
        }
        return found
    }
}
