import CountersignCore
import CountersignEngine
import CountersignOperations
import CountersignRules
import CountersignStore
import Foundation
import HTTPTypes

extension Endpoint {
    /// All endpoints, in the order in which they are described.
    static func all(_ operations: Operations) -> [Endpoint] {
        [overview(operations)] + events(operations) + packages(operations) + runs(operations) + rules(operations)
            + pending(operations) + quarantine(operations) + [tail(operations)] + commands(operations)
    }

    /// How many are listed at a time.
    static let limit = Parameter(
        name: "limit",
        schema: .integer(minimum: 1, maximum: 500),
        summary: "The maximum number of results; 50 by default."
    )

    private static func id(of thing: String) -> Parameter {
        Parameter(name: "id", schema: .id, summary: thing)
    }

    private static func text(_ name: String, _ summary: String) -> Parameter {
        Parameter(name: name, schema: .string, summary: summary)
    }

    static let since = Parameter(
        name: "since",
        schema: .pointInTime,
        summary: "Only those at or after this time, such as `2d` (ago), `2026-01-31` or `2026-01-31T09:00:00Z`."
    )
    private static let account = Parameter(
        name: "account",
        schema: .string,
        summary: "Only those of the account with this name."
    )
    private static let until = Parameter(name: "until", schema: .pointInTime, summary: "Only those before this time.")

    /// What a list of events can be narrowed by, for programs and on the page.
    static let eventFilters = [
        text("event", "Only events with this name."), text("package", "Only events of this package."),
        account, Parameter(name: "origin", schema: .origin, summary: "Only events with this origin."), since, until,
        text("text", "Only events whose body contains this text, ignoring case and JSON escapes."),
        Parameter(name: "before", schema: .place, summary: "The start of the page: `next` of the previous response."),
    ]

    /// What a list of packages can be narrowed by.
    static let packageFilters = [
        text("prefix", "Only packages whose id begins with this."),
        text("event", "Only packages with an event of this name."),
        since, until,
        Parameter(
            name: "after",
            schema: .packagePlace,
            summary: "The start of the page: `next` of the previous response."
        ),
    ]

    /// What a list of bodies that could not be read can be narrowed by.
    static let quarantineFilters = [
        since, Parameter(name: "before", schema: .id, summary: "Only bodies with lower numbers."),
    ]

    /// What a list of runs can be narrowed by.
    static let runFilters = [
        Parameter(name: "event_id", schema: .id, summary: "Only runs of the event with this number."),
        text("package", "Only runs for events of this package."), text("rule", "Only runs of this rule."),
        account, Parameter(name: "state", schema: .state, summary: "Only runs in this state."), since, until,
        Parameter(name: "before", schema: .id, summary: "Only runs with lower numbers."),
    ]

    private static func overview(_ operations: Operations) -> Endpoint {
        Endpoint(
            method: .get,
            path: "/overview",
            summary: "The overall status at a glance.",
            content: .json(.named("Overview")),
            refusals: [.unavailable]
        ) { _ in APIAnswer(try await operations.overview().json) }
    }

    private static func events(_ operations: Operations) -> [Endpoint] {
        [
            listEvents(operations), showEvent(operations), eventBody(operations), explainEvent(operations),
            storeEvent(operations),
        ]
    }

    private static func listEvents(_ operations: Operations) -> Endpoint {
        Endpoint(
            method: .get,
            path: "/events",
            summary: "Events, newest first. A text search scans 20,000 events at a time.",
            query: eventFilters + [limit],
            content: .json(.named("EventList")),
            refusals: [.badRequest, .unavailable]
        ) { request in APIAnswer(try await operations.questions.events(EventQuery(request)).json) }
    }

    private static func showEvent(_ operations: Operations) -> Endpoint {
        Endpoint(
            method: .get,
            path: "/events/{id}",
            summary: "One event with its runs.",
            pathParameter: id(of: "Event"),
            content: .json(.named("StoredEvent")),
            refusals: [.notFound, .unavailable]
        ) { request in APIAnswer(try await operations.questions.event(request.id).json) }
    }

    private static func eventBody(_ operations: Operations) -> Endpoint {
        Endpoint(
            method: .get,
            path: "/events/{id}/body",
            summary: "The body of an event as received, byte for byte.",
            pathParameter: id(of: "Event"),
            content: .bytes,
            refusals: [.notFound, .unavailable]
        ) { request in APIAnswer(raw: try await operations.questions.body(ofEvent: request.id)) }
    }

    private static func explainEvent(_ operations: Operations) -> Endpoint {
        Endpoint(
            method: .get,
            path: "/events/{id}/explanation",
            summary: "Why each rule matched the event or did not.",
            pathParameter: id(of: "Event"),
            content: .json(.named("Explanation")),
            refusals: [.notFound, .conflict, .unavailable]
        ) { request in APIAnswer(try await operations.questions.explanation(ofEvent: request.id).json) }
    }

    private static func storeEvent(_ operations: Operations) -> Endpoint {
        Endpoint(
            method: .post,
            path: "/events",
            summary: "Store an event that was submitted manually, such as one from a failure email.",
            body: .callback,
            content: .json(.object([("event", .id), ("duplicate", .boolean)])),
            refusals: [.badRequest, .unavailable]
        ) { request in
            APIAnswer(try await operations.commands.ingest(operations.delivery(of: request.body)).json)
        }
    }

    private static func packages(_ operations: Operations) -> [Endpoint] {
        [listPackages(operations), showPackage(operations)]
    }

    private static func listPackages(_ operations: Operations) -> Endpoint {
        Endpoint(
            method: .get,
            path: "/packages",
            summary:
                "Packages with events, most recent first; sorted by id when a prefix is given.",
            query: packageFilters + [limit],
            content: .json(.named("PackageList")),
            refusals: [.badRequest, .unavailable]
        ) { request in APIAnswer(try await operations.questions.packages(try PackageQuery(request)).json) }
    }

    private static func showPackage(_ operations: Operations) -> Endpoint {
        Endpoint(
            method: .get,
            path: "/packages/{id}",
            summary: "The timeline of a package: its events, their runs and steps.",
            pathParameter: text("id", "Package"),
            content: .json(.named("Timeline")),
            refusals: [.notFound, .unavailable]
        ) { request in APIAnswer(try await operations.questions.package(request["id"] ?? "").json) }
    }

    private static func runs(_ operations: Operations) -> [Endpoint] {
        [listRuns(operations), showRun(operations), retryRun(operations), discardRun(operations)]
    }

    private static func listRuns(_ operations: Operations) -> Endpoint {
        Endpoint(
            method: .get,
            path: "/runs",
            summary: "Runs, newest first.",
            query: runFilters + [limit],
            content: .json(.named("RunList")),
            refusals: [.badRequest, .unavailable]
        ) { request in APIAnswer(try await operations.questions.runs(RunQuery(request)).json) }
    }

    private static func showRun(_ operations: Operations) -> Endpoint {
        Endpoint(
            method: .get,
            path: "/runs/{id}",
            summary: "One run with all attempts of all steps.",
            pathParameter: id(of: "Run"),
            content: .json(.named("RunWithSteps")),
            refusals: [.notFound, .unavailable]
        ) { request in APIAnswer(try await operations.questions.run(request.id).json) }
    }

    private static func retryRun(_ operations: Operations) -> Endpoint {
        Endpoint(
            method: .post,
            path: "/runs/{id}/retry",
            summary: "Retry a failed run from the step that failed, or from the given one.",
            pathParameter: id(of: "Run"),
            query: [
                text("from", "The id of the step to start with; results of earlier steps are kept."),
                Parameter(
                    name: "rules",
                    schema: .choice(RetryRequest.Rules.allCases.map(\.rawValue)),
                    summary:
                        "Which rules to use: those that created the run (`kept`, the default), or the active ones (`current`)."
                ),
                Parameter(
                    name: "dry_run",
                    schema: .choice(["true", "false"]),
                    summary: "Whether only to tell if the run can be retried like this."
                ),
            ],
            takesToken: true,
            content: .json(.named("Retry")),
            refusals: [.badRequest, .notFound, .conflict, .unavailable]
        ) { request in
            let order = RetryRequest(
                Run.ID(rawValue: request.id),
                from: request["from"],
                by: request["rules"].flatMap { RetryRequest.Rules(rawValue: $0) } ?? .kept,
                isDryRun: request["dry_run"] == "true"
            )
            return APIAnswer(try await operations.commands.retry(order, once: request.token).json)
        }
    }

    private static func discardRun(_ operations: Operations) -> Endpoint {
        Endpoint(
            method: .post,
            path: "/runs/{id}/discard",
            summary: "Discard a failed, queued or waiting run; its history is kept.",
            pathParameter: id(of: "Run"),
            takesToken: true,
            content: .json(.object([])),
            refusals: [.notFound, .conflict, .unavailable]
        ) { request in
            try await operations.commands.discard(Run.ID(rawValue: request.id), once: request.token)
            return APIAnswer([:])
        }
    }
}

extension APIRequest {
    /// How many to list.
    var limit: Int { number("limit").map { Int($0) } ?? 50 }

    func date(_ name: String) -> Date? { values[name].flatMap { Date(pointInTime: $0, now: now) } }
}

extension EventQuery {
    init(_ request: APIRequest) {
        self.init(
            name: request["event"],
            packageID: request["package"],
            account: request["account"],
            origin: request["origin"].flatMap { Event.Origin(rawValue: $0) },
            since: request.date("since"),
            until: request.date("until"),
            before: request["before"].flatMap { EventPosition(text: $0) },
            text: request["text"],
            limit: request.limit
        )
    }
}

extension PackageQuery {
    /// - Throws: `OperationError` where the place to go on from belongs to a list in another order.
    init(_ request: APIRequest) throws(OperationError) {
        self.init(
            prefix: request["prefix"],
            event: request["event"],
            since: request.date("since"),
            until: request.date("until"),
            after: request["after"].flatMap { PackagePosition(text: $0) },
            limit: request.limit
        )
        switch after {
        case .id? where !isByID, .event? where isByID:
            throw OperationError(.invalid, "'after' belongs to another list: repeat the same parameters, or omit it")
        default: break
        }
    }
}

extension QuarantineQuery {
    init(_ request: APIRequest) {
        self.init(since: request.date("since"), before: request.number("before"), limit: request.limit)
    }
}

extension RunQuery {
    init(_ request: APIRequest) {
        self.init(
            eventID: request.number("event_id").map { Event.ID(rawValue: $0) },
            ruleID: request["rule"],
            state: request["state"].flatMap { Run.State(rawValue: $0) },
            packageID: request["package"],
            account: request["account"],
            since: request.date("since"),
            until: request.date("until"),
            before: request.number("before").map { Run.ID(rawValue: $0) },
            limit: request.limit
        )
    }
}
