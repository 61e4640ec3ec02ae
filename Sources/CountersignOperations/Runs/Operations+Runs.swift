package import CountersignCore
import CountersignEngine
import CountersignRules
package import CountersignStore

extension Operations {
    /// The rules by which a run is retried.
    package enum RulesOfRetry: String, CaseIterable {
        /// Those that created the run.
        case kept
        /// Those that are active now.
        case current
    }

    /// Retries a failed run, and returns the rule set with which it continues.
    ///
    /// - Throws: `OperationError` when it cannot begin with that step or by those rules, `StoreError`.
    package func retry(_ id: Run.ID, from step: String?, by rules: RulesOfRetry) async throws -> RuleSetVersion {
        let found = try await run(id.rawValue)
        let active = book.current?.ruleSet
        if rules == .current {
            guard let active, let rule = active.rule(found.run.ruleID) else {
                throw OperationError(
                    .conflict,
                    "the active rules have no rule '\(found.run.ruleID)'; retry the run with its own rules"
                )
            }
            if let step, !rule.steps.contains(where: { $0.id == step }) {
                throw OperationError(.invalid, "rule '\(rule.id)' has no step '\(step)' in the active rules")
            }
        } else if let step {
            do {
                let objection = try await explainer.resumption(of: found).objection(to: step)
                if let objection { throw OperationError(.invalid, objection) }
            } catch let error as UnknownRuleSet {
                throw OperationError(.conflict, "\(error)")
            }
        }
        let version = rules == .current ? active?.version : nil
        try await store.retry(id, from: step, by: version, at: clock.now)
        return version ?? found.run.ruleSet
    }

    /// The event with this number.
    ///
    /// - Throws: `OperationError` when there is none, `StoreError`.
    package func event(_ number: Int64) async throws -> StoredEvent {
        guard let stored = try await store.event(Event.ID(rawValue: number)) else {
            throw OperationError(.notFound, "there is no event \(number)")
        }
        return stored
    }

    /// The run with this number, its event and its attempts.
    ///
    /// - Throws: `StoreError`; its `noSuchRun` when there is none.
    package func run(_ number: Int64) async throws -> ClaimedRun {
        guard let found = try await store.run(Run.ID(rawValue: number)) else {
            throw StoreError.noSuchRun(Run.ID(rawValue: number))
        }
        return found
    }
}
