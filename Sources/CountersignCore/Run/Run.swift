package import Foundation

/// The execution of one rule for one event.
public struct Run: Sendable {
    /// The step from which a run is done once more, whatever it did before.
    package struct ResumePoint: Sendable, Equatable {
        /// The id of the step; nil for the whole chain.
        package let stepID: String?

        /// The `retries` of the run since when results of that step, and of those behind it, count.
        package let generation: Int

        /// A point to resume from; `stepID` is nil for the whole chain.
        package init(stepID: String?, generation: Int) {
            self.stepID = stepID
            self.generation = generation
        }
    }

    /// The number of a run in its store, given in the order of making, from 1.
    public struct ID: Sendable, Hashable, RawRepresentable, CustomStringConvertible {
        /// The number itself, as the store counts.
        public let rawValue: Int64

        /// A run with this number; whether there is one, only the store knows.
        public init(rawValue: Int64) { self.rawValue = rawValue }

        /// The number in digits.
        public var description: String { String(rawValue) }
    }

    /// Where a run stands.
    package enum State: String, Sendable, CaseIterable {
        /// It waits for a free worker, or for the due time of its next attempt.
        case queued
        /// It is in a step `wait`, and goes on at its due time.
        case waiting
        /// A worker has it.
        case running
        /// Every step is done or skipped.
        case succeeded
        /// A step failed for good; it is kept until someone retries or discards it.
        case failed
        /// Somebody gave it up, or another run or an event made it needless.
        case discarded
    }

    /// The number that the store gave it.
    package let id: ID

    /// The event that it was created for.
    package let eventID: Event.ID

    /// The rule that it executes.
    package let ruleID: String

    /// What distinguishes it from other runs of the rule for the event: the number of the entry of `after`, else nothing.
    package let part: String

    /// What templates find beside the event, by the word of the rule: `{"after": {"number": 3}}`; nil where there is none.
    package let facts: JSON?

    /// Its place in the queue of its concurrency key; nil where it waits for no other run.
    package let place: QueuePlace?

    /// The run that took its place; nil unless that is why it is discarded.
    package let supersededBy: ID?

    /// The version of the rule set that the run was made by and goes on with.
    package let ruleSet: RuleSetVersion

    /// The state in the store; one that is `running` has a worker or had one that died.
    package let state: State

    /// When a queued run may go on.
    package let dueAt: Date

    /// Whom a queued run waits for; nil when it only waits for its time.
    package let wait: RunWait?

    /// How often a person sent the run in progress again; the attempts of each time are counted apart.
    package let retries: Int

    /// From where a person had it done once more; nil when every result counts.
    package let resumePoint: ResumePoint?

    /// When it was created, to the millisecond.
    package let createdAt: Date

    /// When it succeeded, failed or was discarded; nil before, and again after a retry.
    package let finishedAt: Date?

    /// The instance on whose machine its steps left files, and which goes on with it; nil where any instance may.
    package let home: String?

    /// What of it is damaged in the store, as a sentence; nil for a whole one.
    ///
    /// A damaged one is shown and not worked on.
    package let damage: String?

    /// A run as the store keeps it.
    package init(
        id: ID,
        eventID: Event.ID,
        ruleID: String,
        part: String = "",
        facts: JSON? = nil,
        place: QueuePlace? = nil,
        supersededBy: ID? = nil,
        ruleSet: RuleSetVersion,
        state: State,
        dueAt: Date,
        retries: Int,
        resumePoint: ResumePoint? = nil,
        wait: RunWait? = nil,
        createdAt: Date,
        finishedAt: Date?,
        home: String? = nil,
        damage: String? = nil
    ) {
        self.id = id
        self.eventID = eventID
        self.ruleID = ruleID
        self.part = part
        self.facts = facts
        self.place = place
        self.supersededBy = supersededBy
        self.ruleSet = ruleSet
        self.state = state
        self.dueAt = dueAt
        self.retries = retries
        self.resumePoint = resumePoint
        self.wait = wait
        self.createdAt = createdAt
        self.finishedAt = finishedAt
        self.home = home
        self.damage = damage
    }
}

extension Run.State {
    /// Whether a run goes on by itself, once it is due.
    package var isClaimable: Bool { self == .queued || self == .waiting }
}

extension Run {
    /// The part of a run that only fetches the package for a decision, and is replaced by what is decided then.
    package static let lookUpPart = "look-up"

    /// Whether it waits for another run of its concurrency key.
    package var waitsInQueue: Bool { state == .queued && place != nil && place?.slot == nil }

    /// Whether it may wait for the time of its next try, and for no destination.
    package var waitsForNextTry: Bool { state == .queued && wait == nil && dueAt > createdAt }
}

/// Whom a run waits for, and why.
package struct RunWait: Sendable, Equatable {
    /// A host, a program.
    package let destination: String

    /// Why nothing goes there now, as part of a sentence.
    package let reason: String

    /// Whether it is for the end of a pause, and not for a place or a circuit; not kept in the store.
    package let isForPause: Bool

    /// A wait for `destination`; `reason` is a clause about it.
    package init(destination: String, reason: String, isForPause: Bool = false) {
        self.destination = destination
        self.reason = reason
        self.isForPause = isForPause
    }

    /// Whether both are for the same, for the same reason.
    package static func == (first: RunWait, second: RunWait) -> Bool {
        first.destination == second.destination && first.reason == second.reason
    }
}

/// The hash over the content of a set of rule files, in hex digits.
package struct RuleSetVersion: Sendable, Hashable, RawRepresentable, CustomStringConvertible {
    /// All hex digits of the hash.
    package let rawValue: String

    /// A version with this hash; whether the store has the rule set is not checked.
    package init(rawValue: String) { self.rawValue = rawValue }
    /// All hex digits of the hash.
    package var description: String { rawValue }

    /// The first twelve digits, for people.
    package var short: String { String(rawValue.prefix(12)) }
}
