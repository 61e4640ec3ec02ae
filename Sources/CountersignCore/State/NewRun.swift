package import Foundation

/// A run that a decision makes.
package struct NewRun: Sendable, Equatable {
    /// The event that it is for.
    package let eventID: Event.ID

    /// The rule that it executes.
    package let ruleID: String

    /// The rule set that it goes by.
    package let ruleSet: RuleSetVersion

    /// What distinguishes it from other runs of the rule for the event: see `Run.part`.
    package let part: String

    /// What templates of the rule find beside the event: see `Run.facts`.
    package let facts: JSON?

    /// When it may begin.
    package let dueAt: Date

    /// Its place in a queue; nil for a run that waits for no other.
    package var place: QueuePlace?

    /// A run of a rule for an event.
    package init(
        eventID: Event.ID,
        ruleID: String,
        ruleSet: RuleSetVersion,
        part: String = "",
        facts: JSON? = nil,
        dueAt: Date,
        place: QueuePlace? = nil
    ) {
        self.eventID = eventID
        self.ruleID = ruleID
        self.ruleSet = ruleSet
        self.part = part
        self.facts = facts
        self.dueAt = dueAt
        self.place = place
    }
}

/// The place of a run in the queue of its concurrency key.
///
/// A run with a slot may be claimed; one without waits until a slot is free, by own time, then by the number of its event.
package struct QueuePlace: Sendable, Equatable {
    /// The queue: the rule's id or its `group`, and the key.
    package let queue: String

    /// The own time of the event.
    package let happenedAt: Date

    /// How many runs of the queue may be under way at a time.
    package let limit: Int

    /// Whether the run keeps its slot when it has failed, until somebody retries or discards it.
    package let holdsOnFailure: Bool

    /// Its slot, from 0 and less than `limit`; nil while it waits.
    package var slot: Int?

    /// When it was claimed first since it has its slot; nil before.
    package var since: Date?

    /// A place; `slot` is nil while the run waits.
    package init(
        queue: String,
        happenedAt: Date,
        limit: Int,
        holdsOnFailure: Bool,
        slot: Int? = nil,
        since: Date? = nil
    ) {
        self.queue = queue
        self.happenedAt = happenedAt
        self.limit = limit
        self.holdsOnFailure = holdsOnFailure
        self.slot = slot
        self.since = since
    }
}

/// The runs of a queue that a decision looks at.
package struct QueueState: Sendable, Equatable {
    /// A run of the queue.
    package struct Member: Sendable, Equatable {
        /// The run.
        package let run: Run.ID

        /// The event that it is for.
        package let eventID: Event.ID

        /// The rule that it executes; those of a group are of several rules.
        package let ruleID: String

        /// What distinguishes it from other runs of the rule for the event: see `Run.part`.
        package let part: String

        /// The own time of that event.
        package let happenedAt: Date

        /// Its slot; nil while it waits.
        package let slot: Int?

        /// Whether it was claimed since it has its slot, or made attempts before.
        package let hasBegun: Bool

        /// A run of the queue.
        package init(
            run: Run.ID,
            eventID: Event.ID,
            ruleID: String,
            part: String = "",
            happenedAt: Date,
            slot: Int?,
            hasBegun: Bool
        ) {
            self.run = run
            self.eventID = eventID
            self.ruleID = ruleID
            self.part = part
            self.happenedAt = happenedAt
            self.slot = slot
            self.hasBegun = hasBegun
        }
    }

    /// How many waiting runs are handed to a decision.
    package static let mostWaiting = 100

    /// The runs that have a slot.
    package var holders: [Member]

    /// The newest ones of those that wait, the newest first, `mostWaiting` at most.
    package var waiting: [Member]

    /// How many wait in all; for a decision, which does not count them, how many of them it was handed.
    package var waitingCount: Int

    /// A queue; without runs by default.
    package init(holders: [Member] = [], waiting: [Member] = [], waitingCount: Int = 0) {
        self.holders = holders
        self.waiting = waiting
        self.waitingCount = waitingCount
    }
}
