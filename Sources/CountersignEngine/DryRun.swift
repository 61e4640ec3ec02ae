import CountersignActions
package import CountersignModel
package import CountersignRules
package import Foundation

/// Says what rules would do with an event, and does nothing.
package struct DryRun: Sendable {
    /// What one rule would do.
    package struct RuleReport: Sendable {
        package let rule: Rule
        package let isMatch: Bool

        /// Whether that depends on the package, which is not known.
        package let isOpen: Bool

        package let findings: [ConditionFinding]

        /// The steps of the chain, in their order; empty for a rule that does not match.
        package let steps: [StepReport]
    }

    /// What one step would do.
    package struct StepReport: Sendable {
        package enum Verdict: Sendable {
            /// What the step would do.
            case planned(JSON)
            /// The step's `if` does not hold.
            case skipped
            /// The step would fail before it did anything.
            case failing(StepFailure)
        }

        package let step: Step
        package let verdict: Verdict

        /// Whether the step's `if` looks at results of earlier steps, which a dry run can only assume.
        package let isConditional: Bool
    }

    private let ruleSet: RuleSet
    private let planner: Planner
    private let configured: Configured

    /// - Parameters:
    ///   - ruleSet: The rules.
    ///   - planner: Makes the plans.
    ///   - configured: What steps find set.
    package init(ruleSet: RuleSet, planner: Planner, configured: Configured = Configured()) {
        self.configured = configured
        self.ruleSet = ruleSet
        self.planner = planner
    }

    /// What each rule would do with `event`; earlier steps are taken to succeed, secrets are masked.
    package func report(on event: Event, at now: Date) async -> [RuleReport] {
        let judgement = Judgement(event: event, now: now)
        var reports: [RuleReport] = []
        for rule in ruleSet.rules {
            let outlook = rule.condition.outlook(in: judgement)
            let isMatch = rule.isEnabled && outlook != false
            reports.append(
                RuleReport(
                    rule: rule,
                    isMatch: isMatch,
                    isOpen: rule.isEnabled && outlook == nil,
                    findings: rule.condition.findings(in: judgement),
                    steps: isMatch ? await steps(of: rule, on: event, at: now) : []
                )
            )
        }
        return reports
    }

    private func steps(of rule: Rule, on event: Event, at now: Date) async -> [StepReport] {
        var scope = Scope(
            event: event,
            ruleID: rule.id,
            ruleFolder: rule.folder,
            runID: Run.ID(rawValue: 0),
            secrets: .hidden
        )
        var reports: [StepReport] = []
        for step in rule.steps {
            scope.stepID = step.id
            let isConditional =
                step.condition?.references.contains { $0.path.components.first == .key("steps") } ?? false
            reports.append(
                StepReport(
                    step: step,
                    verdict: await verdict(on: step, in: scope, isConditional, now),
                    isConditional: isConditional
                )
            )
            scope.steps[step.id] = .assumed
        }
        return reports
    }

    private func verdict(
        on step: Step,
        in scope: Scope,
        _ isConditional: Bool,
        _ now: Date
    ) async -> StepReport.Verdict {
        if let condition = step.condition, !isConditional,
            !condition.holds(
                in: Judgement(event: scope.event, steps: JSONObject(), configured: configured, now: now)
            )
        {
            return .skipped
        }
        do {
            return .planned(try await planner.prepare(step, in: scope).plan)
        } catch {
            return .failing(error)
        }
    }
}
