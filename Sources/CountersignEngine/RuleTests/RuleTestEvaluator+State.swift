import CountersignCore
import CountersignRules
import Foundation

/// What a test expects of rules with time and state.
extension RuleTestEvaluator {
    /// Everything that is not as expected of what is open at the end, and of what was cancelled.
    ///
    /// `cancellations` are the timers that events cancelled: rule, key, and the name of the event.
    func failures(
        ofStates open: [Report.OpenItem],
        cancellations: [(rule: String, key: StateKey, by: String)],
        from start: Date
    ) -> [Report.Failure] {
        let pending = test.pending.compactMap { expectation -> Report.Failure? in
            let own = open.filter { $0.rule == expectation.rule }
            guard !own.contains(where: { $0.meets(expectation, from: start) }) else { return nil }
            return .notPending(expectation, open: own)
        }
        let cancelled = test.cancelled.compactMap { expectation -> Report.Failure? in
            let count = cancellations.count { cancellation in
                cancellation.rule == expectation.rule && (expectation.key?.matches(cancellation.key) ?? true)
                    && (expectation.event.map { $0 == cancellation.by } ?? true)
            }
            guard expectation.times.map({ $0 != count }) ?? (count == 0) else { return nil }
            return .notCancelled(expectation, expected: expectation.times, actual: count)
        }
        return pending + cancelled
    }
}

extension RuleTestReport.OpenItem {
    fileprivate func meets(_ expectation: RuleTest.PendingExpectation, from start: Date) -> Bool {
        guard expectation.key?.matches(key) ?? true, expectation.kind.map({ $0 == kind }) ?? true else { return false }
        guard let wanted = expectation.due?.date(from: start) else { return true }
        return due.map { abs($0.timeIntervalSince(wanted)) <= 1 } ?? false
    }
}

extension Duration {
    /// Whether another one differs by a second at most.
    func isNear(_ other: Duration) -> Bool { abs(timeInterval - other.timeInterval) <= 1 }
}
