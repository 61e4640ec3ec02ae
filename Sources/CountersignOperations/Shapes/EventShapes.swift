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
            .always("received_at", .dateTime) { .string($0.event.receivedAt.rfc3339) },
            .always("duplicates", .count) { JSON($0.duplicates) },
            .time("dispatched_at") { $0.dispatchedAt?.rfc3339 },
            .text("rule_set") { $0.ruleSet?.rawValue },
            .always("payload", .any) { $0.event.payload },
            .optional("damage", .string) { $0.damage.map { .string($0) } },
        ]
    )

    /// The event as the API and `--json` list it.
    package var json: JSON { Self.shape.json(self) }
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
