package import CountersignCore
package import Foundation

/// Why one rule matched an event, or did not.
package struct RuleExplanation: Sendable {
    /// The rule's id.
    package let ruleID: String

    /// Whether the rule is enabled; one that is disabled never matches.
    package let isEnabled: Bool

    /// The result that was kept when the event was evaluated; nil where it was not evaluated yet.
    package let kept: Bool?

    /// The rule's `when` with the result of each test, as this program evaluates it now.
    package let condition: Explanation

    /// Whether that depends on the package or on earlier events, which were not read or are not read yet.
    package let isOpen: Bool

    /// Why a rule matched or did not, as the parameters say.
    package init(ruleID: String, isEnabled: Bool, kept: Bool?, condition: Explanation, isOpen: Bool) {
        self.ruleID = ruleID
        self.isEnabled = isEnabled
        self.kept = kept
        self.condition = condition
        self.isOpen = isOpen
    }

    /// Whether the rule matches as this program sees it now.
    package var matches: Bool { isEnabled && condition.holds }

    /// Whether the result that was kept is another than the one found now.
    package var isContradicted: Bool { !isOpen && kept.map { $0 != matches } ?? false }

    /// What would have had to differ for the condition to hold; nil where it holds.
    package var counterfactual: Counterfactual? { condition.counterfactual(toHold: true) }
}

extension RuleSet {
    /// Why each rule matched `event`, or did not, evaluated as at `now`; in the order of the rules.
    ///
    /// Conditions look back at the events in `earlier`, which is nil where nobody has read them.
    package func explanations(
        of event: Event,
        at now: Date,
        kept: MatchSet?,
        earlier: EventHistories? = nil
    ) -> [RuleExplanation] {
        let context = EvaluationContext(event: event, now: now, earlier: earlier)
        return rules.enumerated()
            .map { index, rule in
                RuleExplanation(
                    ruleID: rule.id,
                    isEnabled: rule.isEnabled,
                    kept: kept.map { $0[index] },
                    condition: event.isDigest(of: rule) ? .ownDigest : rule.explained(in: context),
                    // Beside `after`, earlier events are looked at when the timer is due.
                    isOpen: rule.asksHistoryWhenDue || rule.condition.partialResult(in: context) == nil
                )
            }
    }
}

extension Explanation {
    /// A digest is for its rule, whatever that asks of the events in it.
    fileprivate static let ownDigest = Explanation.test(
        Finding(
            path: "digest",
            test: "of this rule",
            requirement: "be that of this rule",
            actual: true,
            holds: true
        )
    )
}

extension Rule {
    /// Why its `when` holds, or not.
    ///
    /// An event that a rule with time raises for itself is for those only that name it exactly.
    package func explained(in context: EvaluationContext) -> Explanation {
        let explanation = condition.explained(in: context)
        guard !condition.isAbout(context.eventName) else { return explanation }
        let finding = Explanation.Finding(
            path: "event",
            test: "its exact name",
            requirement: "be named by the rule itself, as no pattern matches \(context.eventName)",
            actual: .string(context.eventName),
            holds: false
        )
        return .all([.test(finding), explanation])
    }
}
