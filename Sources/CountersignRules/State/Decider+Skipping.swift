package import CountersignCore
import Foundation

extension Decider {
    /// What becomes of the next occurrence of a schedule that a person skips: the one after it is the next one.
    package func outcome(forSkipped state: RuleState, in snapshot: StateSnapshot) -> StateOutcome {
        var draft = DecisionDraft(snapshot, rules: rules, now: now)
        guard var found = draft.state(state.key, part: state.part), found.id == state.id, let due = found.dueAt,
            let next = rules.rule(state.key.ruleID)?.schedule?.next(after: max(due, now))
        else { return draft.outcome }
        found.dueAt = next
        draft.set(found)
        return draft.outcome
    }
}
