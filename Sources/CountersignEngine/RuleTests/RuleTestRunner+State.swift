import CountersignCore
import CountersignRules
import CountersignStore
import Foundation

/// What is open at the end of a test, and what was cancelled in it.
extension RuleTestRunner {
    /// All that is open in a store, at the end of a test that began at `start`.
    func openItems(in store: any Store, from start: Date) async throws -> [RuleTestReport.OpenItem] {
        var items: [RuleTestReport.OpenItem] = []
        for state in try await store.states(StateQuery(limit: .max)) {
            guard let due = state.dueAt, let kind = RuleTest.PendingKind(rawValue: state.kind.rawValue) else {
                continue
            }
            let offset = Duration.milliseconds(due.milliseconds - start.milliseconds)
            items.append(.init(rule: state.key.ruleID, key: state.key, kind: kind, due: due, offset: offset))
        }
        for run in try await store.runs(RunQuery(limit: .max)) where run.waitsInQueue {
            guard let queue = run.place?.queue, let space = queue.firstIndex(of: " ") else { continue }
            let key = StateKey(ruleID: run.ruleID, text: String(queue[queue.index(after: space)...]))
            items.append(.init(rule: run.ruleID, key: key, kind: .queue, due: nil, offset: nil))
        }
        return items
    }

    /// The timers that events cancelled: the rule, the key, and the name of the event.
    func cancellations(
        of events: [Event],
        in store: any Store,
        by rules: RuleSet
    ) async throws -> [(rule: String, key: StateKey, by: String)] {
        var cancellations: [(rule: String, key: StateKey, by: String)] = []
        for event in events {
            for decision in try await store.decisions(of: event.id) where decision.kind == .cancelled {
                guard let timing = rules.rule(decision.ruleID)?.timing else { continue }
                let context = EvaluationContext(event: event, now: event.receivedAt)
                let key = timing.per.key(of: context, ruleID: decision.ruleID)
                cancellations.append((decision.ruleID, key, decision.facts["name"]?.string ?? ""))
            }
        }
        return cancellations
    }
}
