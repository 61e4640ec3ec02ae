package import CountersignCore
import CountersignStore
package import Foundation

/// The documents about what is pending.
extension PendingItem {
    /// What is pending in a list; the members behind `reason` are those of a queue.
    package static let shape = Shape<PendingItem>(
        "Pending",
        [
            .always("id", .string) { .string($0.id) },
            .always("kind", .choice(PendingKind.allCases.map(\.rawValue))) { .string($0.kind.rawValue) },
            .text("rule") { $0.ruleID },
            .optional("group", .string) { $0.group.map { .string($0) } },
            .always("key", .string) { .string($0.key) },
            .optional("part", .string) { $0.part.map { .string($0) } },
            .always("event", .nullable(.id)) { $0.eventID.map { JSON($0.rawValue) } ?? .null },
            .text("package") { $0.packageID },
            .time("opened_at") { $0.openedAt?.rfc3339 },
            .time("due_at") { $0.dueAt?.rfc3339 },
            .always("reason", .string) { .string($0.reason) },
            .optional("holders", .array(.id)) { item in
                item.queue.map { .array($0.holders.map { JSON($0.rawValue) }) }
            },
            .optional("held_since", .dateTime) { $0.queue?.heldSince.map { .string($0.rfc3339) } },
            .optional("held_by_failure", .boolean) { $0.queue.map { .bool($0.isHeldByFailure) } },
            .optional("waiting", .count) { $0.queue.map { JSON($0.waiting) } },
            .optional("paused", .named(Pause.shape.name)) { $0.pause?.json },
        ]
    )

    /// The item as the API and `--json` list it.
    package var json: JSON { Self.shape.json(self) }

    /// Reads what `json` gives.
    ///
    /// - Throws: `OperationError` for anything else.
    package init(json: JSON) throws(OperationError) {
        let document = Document(json, "something pending")
        self.init(
            id: try document.text("id"),
            kind: try document.choice("kind"),
            ruleID: try document.optionalText("rule"),
            group: try document.optionalText("group"),
            key: try document.text("key"),
            part: try document.optionalText("part"),
            eventID: try document.optional("event") { $0.number?.integer.map { Event.ID(rawValue: Int64($0)) } },
            packageID: try document.optionalText("package"),
            openedAt: try document.optionalTime("opened_at"),
            dueAt: try document.optionalTime("due_at"),
            reason: try document.text("reason"),
            queue: try document.has("holders") ? Queue(document) : nil,
            pause: try document.has("paused") ? Pause(json: document.value("paused") { $0 }) : nil
        )
    }
}

extension PendingItem.Queue {
    fileprivate init(_ document: Document) throws(OperationError) {
        self.init(
            holders: try document.value("holders") { list in
                list.array?.compactMap { $0.number?.integer.map { Run.ID(rawValue: Int64($0)) } }
            },
            heldSince: try document.optionalTime("held_since"),
            isHeldByFailure: try document.flag("held_by_failure"),
            waiting: try document.count("waiting")
        )
    }
}

extension PendingList {
    /// What is pending, and whether there is more.
    package static let shape = Shape<PendingList>(
        "PendingList",
        [
            .always("at", .dateTime) { .string($0.at.rfc3339) },
            .always("pending", .array(.named(PendingItem.shape.name))) { .array($0.items.map(\.json)) },
            .always("has_more", .boolean) { .bool($0.hasMore) },
        ]
    )

    /// The list as the API gives it.
    package var json: JSON { Self.shape.json(self) }

    /// Reads what `json` gives.
    ///
    /// - Throws: `OperationError` for anything else.
    package init(json: JSON) throws(OperationError) {
        let document = Document(json, "a list of what is pending")
        self.init(
            items: try document.list("pending") { json throws(OperationError) in try PendingItem(json: json) },
            hasMore: try document.flag("has_more"),
            at: try document.time("at")
        )
    }
}

extension PendingDetails {
    /// The document of one thing pending: the members of a list, and what led to it.
    package static let shape = Shape<PendingDetails>(
        "PendingWithDecisions",
        PendingItem.shape.members { $0.item } + [
            .always("at", .dateTime) { .string($0.at.rfc3339) },
            .text("event_name") { $0.eventName },
            .always("gathered", .array(.id)) { .array($0.gathered.map { JSON($0.rawValue) }) },
            .always("runs", .array(.named(Member.shape.name))) { .array($0.members.map(\.json)) },
            .always("decisions", .array(.named(Decision.shape.name))) { .array($0.decisions.map(\.json)) },
        ]
    )

    /// The details as the API and `--json` show them.
    package var json: JSON { Self.shape.json(self) }

    /// Reads what `json` gives.
    ///
    /// - Throws: `OperationError` for anything else.
    package init(json: JSON) throws(OperationError) {
        let document = Document(json, "something pending")
        self.init(
            item: try PendingItem(json: json),
            eventName: try document.optionalText("event_name"),
            gathered: try document.value("gathered") { list in
                list.array?.compactMap { $0.number?.integer.map { Event.ID(rawValue: Int64($0)) } }
            },
            members: try document.list("runs") { json throws(OperationError) in try Member(json: json) },
            decisions: try document.list("decisions") { json throws(OperationError) in try Decision(json: json) },
            at: try document.time("at")
        )
    }
}

extension PendingDetails.Member {
    /// A run of a queue.
    package static let shape = Shape<PendingDetails.Member>(
        "QueuedRun",
        [
            .always("run", .id) { JSON($0.run.rawValue) },
            .always("event", .id) { JSON($0.eventID.rawValue) },
            .always("happened_at", .dateTime) { .string($0.happenedAt.rfc3339) },
            .always("holds_key", .boolean) { .bool($0.isHolder) },
        ]
    )

    fileprivate var json: JSON { Self.shape.json(self) }

    fileprivate init(json: JSON) throws(OperationError) {
        let document = Document(json, "a run of a queue")
        self.init(
            run: Run.ID(rawValue: try document.number("run")),
            eventID: Event.ID(rawValue: try document.number("event")),
            happenedAt: try document.time("happened_at"),
            isHolder: try document.flag("holds_key")
        )
    }
}

extension PendingChange {
    /// What was done with what.
    package static let shape = Shape<PendingChange>(
        "PendingChange",
        [
            .always("action", .choice(Action.allCases.map(\.rawValue))) { .string($0.action.rawValue) },
            .always("pending", .named(PendingItem.shape.name)) { $0.item.json },
            .time("due_at") { $0.dueAt?.rfc3339 },
        ]
    )

    /// The change as the API gives it.
    package var json: JSON { Self.shape.json(self) }

    /// Reads what `json` gives.
    ///
    /// - Throws: `OperationError` for anything else.
    package init(json: JSON) throws(OperationError) {
        let document = Document(json, "a change")
        self.init(
            action: try document.choice("action"),
            item: try PendingItem(json: document.value("pending") { $0 }),
            dueAt: try document.optionalTime("due_at")
        )
    }

    /// What was done, in a sentence whose times are written by `time`.
    package func sentence(_ time: (Date) -> String) -> String {
        let subject = "\(item.kind.rawValue) \(item.id) of rule '\(item.owner.printable)'"
        return switch (action, dueAt) {
        case (.cancel, let next?):
            "the next occurrence of rule '\(item.owner.printable)' is skipped; it is due \(time(next))"
        case (.cancel, nil): "\(subject) is cancelled"
        case (.runNow, _): "\(subject) is due now"
        }
    }
}
