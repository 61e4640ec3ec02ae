package import CountersignCore

/// Where a run that failed can go on when somebody retries it.
package struct Resumption: Sendable, Equatable {
    /// The number of the run.
    package let run: Run.ID

    /// The ids of the steps of the chain, in their order.
    package let chain: [String]

    /// The step at which the chain stopped; nil when it came to its end, and something behind it failed.
    package let stoppedAt: String?

    /// The resumption of a run; `chain` is empty where its rule set has no such rule.
    package init(run: Run.ID, chain: [String], stoppedAt: String?) {
        self.run = run
        self.chain = chain
        self.stoppedAt = stoppedAt
    }

    /// The steps with which it can begin again: what lies behind the one that failed has no results to build on.
    package var choices: [String] {
        guard let stoppedAt, let place = chain.firstIndex(of: stoppedAt) else { return chain }
        return Array(chain[...place])
    }

    /// Why the run cannot begin again with `step`; nil when it can.
    package func objection(to step: String) -> String? {
        if choices.contains(step) { return nil }
        guard let stoppedAt, chain.contains(step) else {
            return "run \(run) has no step '\(step)'; its steps are \(chain.joined(separator: ", "))"
                + Suggestion.clause(for: step, among: chain)
        }
        return "run \(run) stopped at '\(stoppedAt)', which comes before '\(step)'; it can be retried from "
            + choices.joined(separator: " or ")
    }
}
