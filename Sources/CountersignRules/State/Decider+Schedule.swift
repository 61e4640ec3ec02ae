package import CountersignCore
import Foundation

/// Rules with a `schedule`: their next occurrence is a state.
extension Decider {
    /// The rules whose next occurrence is kept.
    private var scheduled: [Rule] { rules.rules.filter { $0.isEnabled && $0.schedule != nil } }

    /// What has to be read to see to it that each schedule has its next occurrence.
    package var requestForSchedules: StateRequest {
        var request = StateRequest()
        request.keys = Set(scheduled.map { StateKey(ruleID: $0.id, values: []) })
        return request
    }

    /// The next occurrences of schedules that have none, or that were edited.
    package func outcomeForSchedules(in snapshot: StateSnapshot) -> StateOutcome {
        var draft = DecisionDraft(snapshot, rules: rules, now: now)
        for rule in scheduled {
            let key = StateKey(ruleID: rule.id, values: [])
            if let state = draft.state(key), state.kind == .schedule, state.shape == rule.shape { continue }
            next(of: rule, key, after: now, in: &draft)
        }
        return draft.outcome
    }

    private func next(of rule: Rule, _ key: StateKey, after time: Date, in draft: inout DecisionDraft) {
        guard let due = rule.schedule?.next(after: time) else { return }
        draft.set(RuleState(key: key, kind: .schedule, shape: rule.shape, openedAt: now, dueAt: due))
    }

    /// Raises the occurrences that are due, and keeps the next one.
    func occur(_ state: RuleState, _ rule: Rule, in draft: inout DecisionDraft) {
        draft.remove(state.key, part: state.part)
        let now = horizon(of: state)
        defer { next(of: rule, state.key, after: now, in: &draft) }
        // What an edited schedule was due for is of no meaning any more.
        guard let schedule = rule.schedule, let due = state.dueAt, state.shape == rule.shape else { return }
        let occurrences = schedule.occurrences(from: due, to: now)
        let earliest = now.addingTimeInterval(-RuleSchedule.tolerance)
        let chosen: [Date] =
            switch schedule.missed {
            case .once: Array(occurrences.suffix(1))
            case .skip: occurrences.filter { $0 >= earliest }
            case .all: occurrences
            }
        // The first one that occurs tells how many do not.
        var missed = occurrences.count - chosen.count
        for time in chosen {
            let payload: JSON = [
                "name": .string(RuleEvent.schedule.name), "rule": .string(rule.id), "due": .string(time.rfc3339),
                "createdDate": .string(time.rfc3339), "missed": JSON(missed),
            ]
            draft.raise(RuleEvent.schedule.delivery(payload, rule: rule.id, occasion: time.rfc3339))
            missed = 0
        }
    }
}

extension RuleSchedule {
    /// The latest occurrences from `first`, which is one, to `last`, `mostMissed` at most.
    func occurrences(from first: Date, to last: Date) -> [Date] {
        // Far back, only the end is of interest: the steps back grow until there are enough.
        var span: TimeInterval = 86_400
        while true {
            let start = max(first, last.addingTimeInterval(-span))
            var found = start == first ? [first] : []
            var time = start
            while let next = next(after: time), next <= last {
                found.append(next)
                time = next
            }
            if start == first || found.count >= Self.mostMissed { return Array(found.suffix(Self.mostMissed)) }
            span *= 8
        }
    }
}
