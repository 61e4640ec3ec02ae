package import CountersignCore
package import CountersignEngine
package import CountersignOneSpan
package import CountersignRules
package import CountersignStore
package import Foundation

/// Asks a running server, on this machine or on another one, by its JSON API.
package struct RemoteClient: OperatorQuestions {
    /// How many rows the API gives in one answer.
    static let pageSize = 500

    let transport: any ServerTransport

    /// A client of the server that `transport` reaches.
    package init(_ transport: any ServerTransport) {
        self.transport = transport
    }

    /// The answer to a call, as JSON.
    func json(_ call: ServerCall) async throws(OperationError) -> JSON {
        let body = try await transport.answer(to: call)
        do throws(JSONError) {
            // From a server of ours: a list has as many keys as it needs.
            return try JSON(parsing: body, limits: JSON.Limits(depth: 64, keys: .max))
        } catch {
            throw OperationError(.unavailable, "the server's answer is not JSON: \(error)")
        }
    }

    func get(_ path: [String], _ query: [(name: String, value: String?)] = []) async throws -> JSON {
        try await json(ServerCall(.get, path, query: query, limit: .seconds(60)))
    }

    /// One page of events, the newest first.
    package func events(_ query: EventQuery) async throws -> EventPage {
        var query = query
        let wanted = query.limit
        var events: [StoredEvent] = []
        while true {
            query.limit = min(wanted - events.count, Self.pageSize)
            let page = try EventPage(json: try await get(["events"], query.fields))
            events += page.events
            // A page of a search may be short: it says where to go on.
            guard let next = page.next, query.text == nil, events.count < wanted else {
                return EventPage(events: events, next: page.next)
            }
            query.before = next
        }
    }

    /// The numbers of the events that a query means, the oldest first.
    package func eventIDs(_ query: EventQuery) async throws -> [Event.ID] {
        try await events(query).events.reversed().map(\.event.id)
    }

    /// One event with its runs.
    package func event(_ number: Int64) async throws -> EventDetails {
        try EventDetails(json: try await get(["events", "\(number)"]))
    }

    /// The body of an event as it came, byte for byte.
    package func body(ofEvent number: Int64) async throws -> [UInt8] {
        try await transport.answer(to: ServerCall(.get, ["events", "\(number)", "body"]))
    }

    /// Why each rule matched an event, or did not.
    package func explanation(ofEvent number: Int64) async throws -> EventExplanation {
        try EventExplanation(json: try await get(["events", "\(number)", "explanation"]))
    }

    /// One page of bodies that could not be read as events, the newest first.
    package func quarantined(_ query: QuarantineQuery) async throws -> QuarantinePage {
        var query = query
        let wanted = query.limit
        var bodies: [QuarantinedBody] = []
        while true {
            query.limit = min(wanted - bodies.count, Self.pageSize)
            let page = try QuarantinePage(json: try await get(["quarantine"], query.fields))
            bodies += page.bodies
            guard let next = page.next, bodies.count < wanted else { return QuarantinePage(bodies, limit: wanted) }
            query.before = next
        }
    }

    /// One body that could not be read.
    package func quarantinedBody(_ number: Int64) async throws -> QuarantinedBody {
        try QuarantinedBody(json: try await get(["quarantine", "\(number)"]))
    }

    /// One page of packages.
    package func packages(_ query: PackageQuery) async throws -> PackagePage {
        var query = query
        let wanted = query.limit
        var packages: [PackageSummary] = []
        while true {
            query.limit = min(wanted - packages.count, Self.pageSize)
            let page = try PackagePage(json: try await get(["packages"], query.fields))
            packages += page.packages
            guard let next = page.next, packages.count < wanted, !page.packages.isEmpty else {
                return PackagePage(packages: packages, next: page.next)
            }
            query.after = next
        }
    }

    /// All that is known of one package.
    package func package(_ id: String) async throws -> PackageTimeline {
        try PackageTimeline(json: try await get(["packages", id]))
    }

    /// One page of runs, the newest first.
    package func runs(_ query: RunQuery) async throws -> RunPage {
        var query = query
        let wanted = query.limit
        var rows: [RunRow] = []
        while true {
            query.limit = min(wanted - rows.count, Self.pageSize)
            let page = try RunPage(json: try await get(["runs"], query.fields))
            rows += page.rows
            guard let next = page.next, rows.count < wanted else { return RunPage(rows, limit: wanted) }
            query.before = next
        }
    }

    /// One run with all attempts of all steps.
    package func run(_ number: Int64) async throws -> RunDetails {
        try RunDetails(json: try await get(["runs", "\(number)"]))
    }

    /// The active rules with their statistics.
    package func rules() async throws -> RuleList { try RuleList(json: try await get(["rules"])) }

    /// One active rule with its source.
    package func rule(_ id: String) async throws -> RuleDetails {
        try RuleDetails(json: try await get(["rules", id]))
    }

    /// What happened last, the oldest first, and from where to go on.
    package func newest(_ count: Int, since: Date?, _ filter: TailFilter) async throws -> TailPage {
        let fields = [("lines", "\(count)"), ("since", since?.rfc3339)] + filter.fields
        return try TailPage(json: try await get(["tail"], fields))
    }

    /// What happened after `position`, the oldest first, and from where to go on.
    package func entries(after position: TailPosition, _ filter: TailFilter) async throws -> TailPage {
        try TailPage(json: try await get(["tail"], [("after", position.text)] + filter.fields))
    }

    /// The instances of the store, and the rules that they use.
    package func instances() async throws -> InstanceList {
        try InstanceList(json: try await get(["instances"]))
    }

    /// How polling of an account stands; nil before the first poll.
    package func pollState(of account: String) async throws -> PollState? {
        PollState(json: try await get(["poll"], [("account", account.isEmpty ? nil : account)]))
    }

    /// Which runs two rule sets make for the stored events.
    package func diff(_ request: DiffRequest, progress: (_ done: Int, _ total: Int?) -> Void) async throws -> RunDiff {
        try RunDiff(
            json: try await json(ServerCall(.post, ["diff"], body: request.json.bytes, limit: .seconds(3_600)))
        )
    }

    /// What rules would make of what is open.
    package func editEffects(of sources: RuleSources) async throws -> [EditEffect] {
        let call = ServerCall(.post, ["edit-effects"], body: sources.json.bytes, limit: .seconds(600))
        return try Document(try await json(call), "what becomes of what is open")
            .list("open") { json throws(OperationError) in try EditEffect(json: json) }
    }

    /// What the server runs with, for `countersign doctor`.
    package func state() async throws -> ServerState { try ServerState(json: try await get(["state"])) }

    /// What the server's active rules would do with an event, whose `body` is as OneSpan Sign posts it.
    package func dryRun(_ body: [UInt8], on event: Event) async throws -> DryRunReport {
        try DryRunReport(
            json: try await json(ServerCall(.post, ["dry-run"], body: body, limit: .seconds(60))),
            on: event
        )
    }
}

/// The queries as the API takes them.
extension EventQuery {
    fileprivate var fields: [(name: String, value: String?)] {
        [
            ("event", name), ("package", packageID), ("account", account), ("origin", origin?.rawValue),
            ("since", since?.rfc3339),
            ("until", until?.rfc3339), ("before", before?.text), ("text", text), ("limit", "\(limit)"),
        ]
    }
}

extension PackageQuery {
    fileprivate var fields: [(name: String, value: String?)] {
        [
            ("prefix", prefix), ("event", event), ("since", since?.rfc3339), ("until", until?.rfc3339),
            ("after", after?.text), ("limit", "\(limit)"),
        ]
    }
}

extension QuarantineQuery {
    fileprivate var fields: [(name: String, value: String?)] {
        [("since", since?.rfc3339), ("before", before.map { "\($0)" }), ("limit", "\(limit)")]
    }
}

extension RunQuery {
    fileprivate var fields: [(name: String, value: String?)] {
        [
            ("event_id", eventID.map { "\($0)" }), ("rule", ruleID), ("state", state?.rawValue),
            ("package", packageID), ("account", account), ("since", since?.rfc3339), ("until", until?.rfc3339),
            ("before", before.map { "\($0)" }), ("limit", "\(limit)"),
        ]
    }
}

extension TailFilter {
    fileprivate var fields: [(name: String, value: String?)] { [("event", eventName), ("package", packageID)] }
}
