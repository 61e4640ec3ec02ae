import ArgumentParser
import CountersignCore
import CountersignOperations
import CountersignServer
import CountersignStore
import Foundation

extension EventsCommand {
    /// `countersign events list` lists events.
    struct List: EnvironmentCommand {
        static let configuration = CommandConfiguration(
            abstract: "List events, newest first.",
            discussion: """
                Examples:
                  countersign events list --event PACKAGE_OPT_OUT --since 2d
                  countersign events list --text "wrong date" --limit 10
                  countersign events list --watch
                  countersign events list --quarantined
                """
        )

        @OptionGroup(title: "Filters") var filter: EventFilter

        @Flag(help: "List quarantined bodies instead.")
        var quarantined = false

        @OptionGroup(title: "Output") var listing: ListingOptions

        @OptionGroup var options: ClientOptions

        func validate() throws {
            guard !quarantined || filter.isByTimeOnly else {
                throw ValidationError(
                    "quarantined bodies have no event, package or origin; omit all filters except --since"
                )
            }
        }

        func run(in environment: CommandEnvironment) async throws {
            let query = try filter.query(in: environment, limit: listing.limit)
            let client = try options.client(in: environment)
            try await listing.show(in: environment, client) { [quarantined, filter] questions in
                if quarantined {
                    let query = QuarantineQuery(since: query.since, limit: query.limit)
                    return .quarantined(try await questions.quarantined(query).bodies)
                }
                let query = try filter.query(in: environment, limit: query.limit)
                return try await .events(query, from: questions).explained { unknownEvent(query.name) }
            }
        }
    }
}

/// The flags that choose events.
struct EventFilter: ParsableArguments {
    private static let origins = Event.Origin.allCases.map(\.rawValue)

    @Option(
        help: ArgumentHelp("Only events with this name.", valueName: "name"),
        completion: .list(EventCatalogue.names)
    )
    var event: String?

    @Option(help: ArgumentHelp("Only events of this package.", valueName: "id"), completion: .packages)
    var package: String?

    @Option(help: ArgumentHelp("Only events of this account.", valueName: "name"))
    var account: String?

    @Option(
        help: ArgumentHelp(
            "Only events with this origin: \(Self.origins.joined(separator: ", ")).",
            valueName: "origin"
        ),
        completion: .list(Self.origins),
        transform: { word in
            guard let origin = Event.Origin(rawValue: word) else {
                throw ValidationError("an event's origin is one of \(Self.origins.joined(separator: ", "))")
            }
            return origin
        }
    )
    var origin: Event.Origin?

    @Option(
        help: ArgumentHelp("Only events since this time: 2d (ago), 2026-01-31, or an RFC 3339 time.", valueName: "time")
    )
    var since: String?

    @Option(help: ArgumentHelp("Only events before this time.", valueName: "time"))
    var until: String?

    @Option(help: ArgumentHelp("Only events whose body contains this text.", valueName: "text"))
    var text: String?

    /// Whether nothing but the time of their coming is asked for.
    var isByTimeOnly: Bool {
        event == nil && package == nil && account == nil && origin == nil && until == nil && text == nil
    }

    /// The query, its times reckoned from now.
    ///
    /// - Throws: `UsageError`.
    func query(in environment: CommandEnvironment, limit: Int) throws -> EventQuery {
        var query = EventQuery(name: event, packageID: package, account: account, origin: origin, limit: limit)
        (query.since, query.until) = try environment.span(since: since, until: until)
        query.text = text
        return query
    }
}

extension Listing {
    /// The events that a query asks for; a text is looked for in so many events only, and then it is said how to go on.
    ///
    /// - Throws: `StoreError`.
    fileprivate static func events(
        _ query: EventQuery,
        from questions: any OperatorQuestions
    ) async throws -> Listing {
        let page = try await questions.events(query)
        var listing = Listing.events(page.events)
        if query.text != nil, page.events.count < query.limit, let next = page.next {
            // A millisecond more, so that none that arrived at the same one is passed over.
            let time = next.receivedAt.addingTimeInterval(0.001).rfc3339
            listing.note = "\(EventQuery.searchDepth) events were searched; continue with --until \(time)"
        }
        return listing
    }
}
