package import CountersignCore
package import CountersignStore
import Foundation

extension Schema {
    /// How an event arrived: one of the values of `Event.Origin`.
    package static let origin = Schema.choice(Event.Origin.allCases.map(\.rawValue))
}

/// The documents about events.
extension StoredEvent {
    /// An event of a list.
    package static let shape = Shape<StoredEvent>(
        "Event",
        [
            .always("id", .id) { JSON($0.event.id.rawValue) },
            .always("name", .string) { .string($0.event.name) },
            .always("origin", .origin) { .string($0.event.origin.rawValue) },
            .optional("account", .string) { $0.event.account.isEmpty ? nil : .string($0.event.account) },
            .always("received_at", .dateTime) { .string($0.event.receivedAt.rfc3339) },
            .always("duplicates", .count) { JSON($0.duplicates) },
            .time("evaluated_at") { $0.dispatchedAt?.rfc3339 },
            .text("rule_set") { $0.ruleSet?.rawValue },
            .always("payload", .any) { $0.event.payload },
            .optional("damage", .string) { $0.damage.map { .string($0) } },
        ]
    )

    /// The event as the API and `--json` list it.
    package var json: JSON { Self.shape.json(self) }
}

extension StoredEvent {
    /// Reads what `json` gives; the body as it came is no part of it, and empty.
    ///
    /// - Throws: `OperationError` for anything else.
    package init(json: JSON) throws(OperationError) {
        let document = Document(json, "an event")
        self.init(
            event: Event(
                id: Event.ID(rawValue: try document.number("id")),
                name: try document.text("name"),
                payload: document.any("payload") ?? .null,
                origin: try document.choice("origin"),
                receivedAt: try document.time("received_at"),
                account: try document.optionalText("account") ?? ""
            ),
            body: [],
            duplicates: try document.count("duplicates"),
            dispatchedAt: try document.optionalTime("evaluated_at"),
            ruleSet: try document.optionalText("rule_set").map { RuleSetVersion(rawValue: $0) },
            matchSet: nil,
            damage: try document.optionalText("damage")
        )
    }
}

extension EventPage {
    /// A list of events, and where the next one begins.
    package static let shape = Shape<EventPage>(
        "EventList",
        [
            .always("events", .array(.named("Event"))) { .array($0.events.map(\.json)) },
            .always("next", .nullable(.place)) { JSON($0.next?.text) },
        ]
    )

    /// The list as the API gives it.
    package var json: JSON { Self.shape.json(self) }

    /// Reads what `json` gives.
    ///
    /// - Throws: `OperationError` for anything else.
    package init(json: JSON) throws(OperationError) {
        let document = Document(json, "a list of events")
        self.init(
            events: try document.list("events") { json throws(OperationError) in try StoredEvent(json: json) },
            next: try document.optional("next") { $0.string.flatMap { EventPosition(text: $0) } }
        )
    }
}

/// An event with its runs and its trace.
package struct EventDetails: Sendable {
    /// The event with its body as it arrived.
    package let stored: StoredEvent

    /// The oldest first.
    package let runs: [Run]

    /// The trace of the event and all its runs.
    package let trace: TraceID

    /// An event with all its runs, the oldest first.
    package init(stored: StoredEvent, runs: [Run], trace: TraceID) {
        self.stored = stored
        self.runs = runs
        self.trace = trace
    }

    /// The document of one event: the members of a list, its trace and its runs.
    package static let shape = Shape<EventDetails>(
        "StoredEvent",
        StoredEvent.shape.members { $0.stored } + [
            .always("trace_id", .string) { .string($0.trace.description) },
            .always("runs", .array(.named("Run"))) { .array($0.runs.map(\.json)) },
        ]
    )

    /// The event as the API and `--json` show it.
    package var json: JSON { Self.shape.json(self) }
}

extension EventDetails {
    /// Reads what `json` gives.
    ///
    /// - Throws: `OperationError` for anything else.
    package init(json: JSON) throws(OperationError) {
        let document = Document(json, "an event")
        self.init(
            stored: try StoredEvent(json: json),
            runs: try document.list("runs") { json throws(OperationError) in try Run(json: json) },
            trace: try document.value("trace_id") { $0.string.flatMap { TraceID($0) } }
        )
    }
}

extension QuarantinedBody {
    /// A body that could not be read; bytes that are no UTF-8 are in `body_base64` as well.
    package static let shape = Shape<QuarantinedBody>(
        "QuarantinedBody",
        [
            .always("id", .id) { JSON($0.id) },
            .always("received_at", .dateTime) { .string($0.receivedAt.rfc3339) },
            .always("reason", .string) { .string($0.reason) },
            .always("body", .string) { .string(String(decoding: $0.body, as: UTF8.self)) },
            .optional("body_base64", .string) { body in
                String(validating: body.body, as: UTF8.self) == nil
                    ? .string(Data(body.body).base64EncodedString()) : nil
            },
        ]
    )

    /// The body as the API and `--json` show it.
    package var json: JSON { Self.shape.json(self) }
}

extension QuarantinedBody {
    /// Reads what `json` gives.
    ///
    /// - Throws: `OperationError` for anything else.
    package init(json: JSON) throws(OperationError) {
        let document = Document(json, "a quarantined body")
        let text = Array(try document.text("body").utf8)
        let bytes = try document.optional("body_base64") { $0.string.flatMap { Data(base64Encoded: $0) } }
        self.init(
            id: try document.number("id"),
            body: bytes.map { Array($0) } ?? text,
            reason: try document.text("reason"),
            receivedAt: try document.time("received_at")
        )
    }
}

/// A list of bodies that could not be read, the newest first.
package struct QuarantinePage: Sendable {
    /// The bodies of this page.
    package let bodies: [QuarantinedBody]

    /// Before which number the next page begins; nil where there is none.
    package let next: Int64?

    /// A page of at most `limit` bodies; a full one may have others behind it.
    package init(_ bodies: [QuarantinedBody], limit: Int) {
        self.bodies = bodies
        next = bodies.count == limit ? bodies.last?.id : nil
    }

    private init(bodies: [QuarantinedBody], next: Int64?) {
        self.bodies = bodies
        self.next = next
    }

    /// A list of bodies, and where the next one begins.
    package static let shape = Shape<QuarantinePage>(
        "QuarantineList",
        [
            .always("bodies", .array(.named("QuarantinedBody"))) { .array($0.bodies.map(\.json)) },
            .always("next", .nullable(.id)) { $0.next.map { JSON($0) } ?? .null },
        ]
    )

    /// The list as the API gives it.
    package var json: JSON { Self.shape.json(self) }

    /// Reads what `json` gives.
    ///
    /// - Throws: `OperationError` for anything else.
    package init(json: JSON) throws(OperationError) {
        let document = Document(json, "a list of bodies")
        self.init(
            bodies: try document.list("bodies") { json throws(OperationError) in try QuarantinedBody(json: json) },
            next: try document.optional("next") { $0.number?.integer.map { Int64($0) } }
        )
    }
}
