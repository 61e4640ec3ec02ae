package import CountersignCore
package import CountersignStore
import Foundation

/// What happened, as `--json` prints it and the API gives it.
extension TailEntry {
    /// One thing that happened: the members of an event, or those of an attempt at a step.
    package static let shape = Shape<TailEntry>(
        "TailEntry",
        [
            .always("at", .dateTime) { .string($0.at.rfc3339) },
            .always("event", .id) { JSON($0.eventID.rawValue) },
            .always("name", .string) { .string($0.eventName) },
            .text("package") { $0.packageID },
            .always("kind", .choice(["event", "step"])) { $0.arrival == nil ? "step" : "event" },
            .optional("origin", .origin) { $0.arrival.map { .string($0.origin.rawValue) } },
            .optional("message", .any) { $0.arrival.map { $0.message ?? .null } },
            .optional("damage", .string) { $0.arrival?.damage.map { .string($0) } },
            .optional("run", .id) { $0.attempt.map { JSON($0.runID.rawValue) } },
            .optional("rule", .string) { $0.attempt.map { .string($0.ruleID) } },
            .optional("step", .nullable(.string)) { $0.attempt.map { JSON($0.stepID) } },
            .optional("attempt", .count) { $0.attempt.map { JSON($0.number) } },
            .optional("status", .choice(StepRecord.Status.allCases.map(\.rawValue))) { entry in
                entry.attempt.map { .string($0.status.rawValue) }
            },
            .optional("final", .boolean) { $0.attempt.map { .bool($0.isFinal) } },
            .optional("reason", .nullable(.string)) { $0.attempt.map { JSON($0.reason) } },
            .optional("started_at", .dateTime) { $0.attempt.map { .string($0.startedAt.rfc3339) } },
        ]
    )

    /// The entry as `--json` prints it.
    package var json: JSON { Self.shape.json(self) }

    private var arrival: Arrival? {
        if case .event(let arrival) = kind { arrival } else { nil }
    }

    private var attempt: Attempt? {
        if case .attempt(let attempt) = kind { attempt } else { nil }
    }

    /// Reads what `json` gives.
    ///
    /// - Throws: `OperationError` for anything else.
    package init(json: JSON) throws(OperationError) {
        let document = Document(json, "an entry")
        let isEvent = try document.text("kind") == "event"
        self.init(
            at: try document.time("at"),
            eventID: Event.ID(rawValue: try document.number("event")),
            eventName: try document.text("name"),
            packageID: try document.optionalText("package"),
            kind: try isEvent ? .event(Arrival(document)) : .attempt(Attempt(document))
        )
    }
}

extension TailEntry.Arrival {
    fileprivate init(_ document: Document) throws(OperationError) {
        self.init(
            origin: try document.choice("origin"),
            message: document.any("message"),
            damage: try document.optionalText("damage")
        )
    }
}

extension TailEntry.Attempt {
    fileprivate init(_ document: Document) throws(OperationError) {
        self.init(
            runID: Run.ID(rawValue: try document.number("run")),
            ruleID: try document.text("rule"),
            stepID: try document.optionalText("step"),
            number: try document.count("attempt"),
            status: try document.choice("status"),
            isFinal: try document.flag("final"),
            reason: try document.optionalText("reason"),
            startedAt: try document.time("started_at")
        )
    }
}

/// What happened in a store, the oldest first, and from where to go on.
package struct TailPage: Sendable {
    /// What happened.
    package let entries: [TailEntry]

    /// Behind which position the next page begins.
    package let position: TailPosition

    /// A part of what happens.
    package init(entries: [TailEntry], position: TailPosition) {
        self.entries = entries
        self.position = position
    }

    /// The entries, and the position to give as `after` next time.
    package static let shape = Shape<TailPage>(
        "Tail",
        [
            .always("entries", .array(.named("TailEntry"))) { .array($0.entries.map(\.json)) },
            .always("position", .string) { .string($0.position.text) },
        ]
    )

    /// The page as the API gives it.
    package var json: JSON { Self.shape.json(self) }

    /// Reads what `json` gives.
    ///
    /// - Throws: `OperationError` for anything else.
    package init(json: JSON) throws(OperationError) {
        let document = Document(json, "a tail")
        self.init(
            entries: try document.list("entries") { json throws(OperationError) in try TailEntry(json: json) },
            position: TailPosition(text: try document.text("position"))
        )
    }
}
