package import CountersignCore
import Foundation

extension Decider {
    /// What becomes of the next occurrence of a schedule that a person skips: the one after it is the next one.
    ///
    /// Nothing where one was skipped already that has not come yet: the same command twice skips one.
    package func outcome(forSkipped state: RuleState, in snapshot: StateSnapshot) -> StateOutcome {
        var draft = DecisionDraft(snapshot, rules: rules, now: now)
        guard var found = draft.state(state.key, part: state.part), found.id == state.id, let due = found.dueAt,
            found.skipped == nil, let next = rules.rule(state.key.ruleID)?.schedule?.next(after: max(due, now))
        else { return draft.outcome }
        found.dueAt = next
        found.data = ["skipped": JSON(due.milliseconds)]
        draft.set(found)
        return draft.outcome
    }
}
