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

    /// Whether that depends on the package, which was not fetched or is not fetched yet.
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
    package func explanations(of event: Event, at now: Date, kept: MatchSet?) -> [RuleExplanation] {
        let context = EvaluationContext(event: event, now: now)
        return rules.enumerated()
            .map { index, rule in
                RuleExplanation(
                    ruleID: rule.id,
                    isEnabled: rule.isEnabled,
                    kept: kept.map { $0[index] },
                    condition: rule.condition.explained(in: context),
                    isOpen: rule.condition.partialResult(in: context) == nil
                )
            }
    }
}
