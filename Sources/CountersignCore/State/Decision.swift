package import Foundation

/// What became of an event at a rule with state: one row for each part and change.
///
/// Together they answer why the rule ran, when it will, or why it did not.
package struct Decision: Sendable, Equatable {
    /// What was decided.
    package enum Kind: String, Sendable, CaseIterable {
        /// A run was made.
        case run
        /// A timer was opened; `due` says for when.
        case scheduled
        /// A timer was closed by an event that meets `unless`; `by` is its number.
        case cancelled
        /// A timer was closed, as its event does not match the edited rule; or a digest, as the rule makes none any more.
        case noLongerMatches = "no_longer_matches"
        /// A timer was closed by a person.
        case cancelledByHand = "cancelled_by_hand"
        /// A series of timers is open for the key; `by` is the event that opened it.
        case alreadyScheduled = "already_scheduled"
        /// The series was replaced by that of another event; `by` is its number.
        case replaced
        /// Of several entries that were over when the event came, only the last one runs.
        case skippedOverdue = "skipped_overdue"
        /// There is no time for the entry; `reason` says why.
        case notScheduled = "not_scheduled"
        /// Fewer events than `count` lie within the time; `found` says how many, `events` which.
        case belowThreshold = "below_threshold"
        /// The threshold was met a short time ago: it is quiet until `until`.
        case quiet
        /// The limit of the window is used up until `until`; `run` is its last run.
        case throttled
        /// A newer event takes its place; `by` is its number.
        case debounced
        /// It waits for the next digest, at `due`.
        case gathered
        /// The run waits for another one of its concurrency key.
        case queued
        /// No run was made, as the concurrency key was busy.
        case skippedBusy = "skipped_busy"
        /// A newer event of the concurrency key takes its place.
        case superseded
        /// A bound was reached; `reason` says which.
        case refused
        /// The rule is removed or disabled: nothing runs.
        case noSuchRule = "no_such_rule"
    }

    /// The event.
    package let eventID: Event.ID

    /// The rule.
    package let ruleID: String

    /// The number of the entry of `after`; empty for all else.
    package let part: String

    /// What was decided.
    package let kind: Kind

    /// The numbers of the decision, such as `due`, `by`, `count` and `found`.
    package let facts: JSON

    /// The run that was made, or that is meant; nil where there is none.
    package let run: Run.ID?

    /// When it was decided.
    package let at: Date

    /// A decision about an event.
    package init(
        eventID: Event.ID,
        ruleID: String,
        part: String = "",
        kind: Kind,
        facts: JSON = .object([:]),
        run: Run.ID? = nil,
        at: Date
    ) {
        self.eventID = eventID
        self.ruleID = ruleID
        self.part = part
        self.kind = kind
        self.facts = facts
        self.run = run
        self.at = at
    }

    /// The same decision with another fact.
    package func with(fact name: String, _ value: JSON) -> Decision {
        let facts = facts.with(name, value)
        return Decision(
            eventID: eventID,
            ruleID: ruleID,
            part: part,
            kind: kind,
            facts: facts,
            run: run,
            at: at
        )
    }

    /// The same decision with the run that the store made.
    package func with(run: Run.ID?) -> Decision {
        Decision(eventID: eventID, ruleID: ruleID, part: part, kind: kind, facts: facts, run: run, at: at)
    }
}
