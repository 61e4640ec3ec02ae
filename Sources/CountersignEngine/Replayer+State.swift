import CountersignCore
import CountersignRules
import CountersignStore
import Foundation

/// Events that are evaluated once more by rules with state.
extension Replayer {
    /// The rule does not match the event after all.
    private struct NoMatch: Error {}

    /// Decides about an event at a rule that matches it, where nothing was decided about it there before.
    func replay(
        _ event: Event,
        at rule: Rule,
        _ rules: RuleSet,
        _ order: ReplayRequest
    ) async throws -> ReplayedRun {
        let outcome = try await outcome(for: event, at: rule, isNamed: order.ruleID != nil)
        guard outcome == .created else {
            return ReplayedRun(eventID: event.id, ruleID: rule.id, outcome: outcome)
        }
        let now = Date(milliseconds: clock.now.milliseconds)
        let decider = Decider(rules: rules, now: now)
        let request = decider.request(forLookUp: event, at: rule)
        do {
            // A dry run decides as well, and throws away what it decided.
            _ = try await store.decide(on: .states, reading: request, under: nil, at: now) { snapshot in
                guard let outcome = decider.outcome(forReplayed: event, at: rule, in: snapshot) else { throw NoMatch() }
                return order.isDryRun ? StateOutcome() : outcome
            }
            return ReplayedRun(eventID: event.id, ruleID: rule.id, outcome: .created)
        } catch is NoMatch {
            return ReplayedRun(eventID: event.id, ruleID: rule.id, outcome: .unchanged)
        }
    }

    /// Whether a rule has runs for an event, in whatever state.
    func hasRuns(of rule: Rule, for event: Event.ID) async throws -> Bool {
        try await store.runs(RunQuery(eventID: event, limit: .max)).contains { $0.ruleID == rule.id }
    }

    /// Whether a rule with state may decide about an event now.
    private func outcome(for event: Event, at rule: Rule, isNamed: Bool) async throws -> ReplayOutcome {
        let isKnown = try await store.decisions(of: event.id).contains { $0.ruleID == rule.id }
        let runs = try await store.runs(RunQuery(eventID: event.id, limit: .max))
        guard !isKnown, !runs.contains(where: { $0.ruleID == rule.id }) else { return .unchanged }
        switch rule.timing {
        case .throttle, .threshold, .debounce: return .refused
        // What has been gathered once is known by its decision; the rule must be meant, as many events come together.
        case .digest: return isNamed ? .created : .refused
        case .after, nil: return .created
        }
    }
}
