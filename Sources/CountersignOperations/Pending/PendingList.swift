package import CountersignCore
import CountersignStore
package import Foundation

/// What of the pending is asked for.
package struct PendingQuery: Sendable {
    /// Only that of this rule.
    package var ruleID: String?

    /// Only that of events of this package.
    package var packageID: String?

    /// Only what is of this kind; nil for all that waits.
    package var kind: PendingKind?

    /// How much at most.
    package var limit: Int

    /// A query for at most `limit`.
    package init(ruleID: String? = nil, packageID: String? = nil, kind: PendingKind? = nil, limit: Int) {
        self.ruleID = ruleID
        self.packageID = packageID
        self.kind = kind
        self.limit = limit
    }

    /// The states that it asks for; nil where it only asks for queues.
    var states: StateQuery? {
        let kinds = (kind.map { [$0] } ?? PendingKind.waiting).compactMap(\.stateKind)
        guard !kinds.isEmpty else { return nil }
        var query = StateQuery(ruleID: ruleID, packageID: packageID, kinds: kinds, limit: limit + 1)
        query.isDueOnly = kind != .throttle && kind != .threshold
        return query
    }

    /// Whether it asks for queues.
    var asksForQueues: Bool { kind == nil || kind == .queue }
}

/// What is pending: the queues in which runs wait longest, then what is due first.
package struct PendingList: Sendable {
    /// What is pending.
    package let items: [PendingItem]

    /// Whether there is more than that.
    package let hasMore: Bool

    /// When it was looked at.
    package let at: Date

    /// A list.
    package init(items: [PendingItem], hasMore: Bool, at: Date) {
        self.items = items
        self.hasMore = hasMore
        self.at = at
    }

    /// A list of at most `limit`, in the order given.
    init(_ items: [PendingItem], limit: Int, at: Date) {
        self.init(items: Array(items.prefix(limit)), hasMore: items.count > limit, at: at)
    }
}

/// Something that is pending, with what led to it.
package struct PendingDetails: Sendable {
    /// A run of a queue.
    package struct Member: Sendable, Equatable {
        /// The run.
        package let run: Run.ID

        /// The event that it is for.
        package let eventID: Event.ID

        /// The own time of that event, by which the queue is ordered.
        package let happenedAt: Date

        /// Whether it holds the key; the others wait.
        package let isHolder: Bool

        /// A run of a queue.
        package init(run: Run.ID, eventID: Event.ID, happenedAt: Date, isHolder: Bool) {
            self.run = run
            self.eventID = eventID
            self.happenedAt = happenedAt
            self.isHolder = isHolder
        }
    }

    /// What lists show of it.
    package let item: PendingItem

    /// The name of its event; nil where there is none.
    package let eventName: String?

    /// The events that a `digest` has gathered, the oldest first; empty for all else.
    package let gathered: [Event.ID]

    /// The runs of a queue: those that hold the key, then the newest ones that wait, in the order of their turns.
    package let members: [Member]

    /// What was decided about its event at its rule, in the order of deciding.
    package let decisions: [Decision]

    /// When it was looked at.
    package let at: Date

    /// Something that is pending.
    package init(
        item: PendingItem,
        eventName: String? = nil,
        gathered: [Event.ID] = [],
        members: [Member] = [],
        decisions: [Decision] = [],
        at: Date
    ) {
        self.item = item
        self.eventName = eventName
        self.gathered = gathered
        self.members = members
        self.decisions = decisions
        self.at = at
    }
}

/// What a person did with something pending.
package struct PendingChange: Sendable, Equatable {
    /// What can be done.
    package enum Action: String, Sendable, CaseIterable {
        /// A timer, a debounce or a digest is closed, and nothing runs; the next occurrence of a schedule is skipped.
        case cancel
        /// It is due at once.
        case runNow = "run_now"
    }

    /// What was done.
    package let action: Action

    /// What it was done with, as it was before.
    package let item: PendingItem

    /// When it is due now; nil where it is closed.
    package let dueAt: Date?

    /// A change.
    package init(action: Action, item: PendingItem, dueAt: Date?) {
        self.action = action
        self.item = item
        self.dueAt = dueAt
    }
}
