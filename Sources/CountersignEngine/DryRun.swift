import CountersignActions
package import CountersignCore
package import CountersignRules
package import Foundation

/// Says what rules would do with an event, and does nothing.
package struct DryRun: Sendable {
    /// What one rule would do.
    package struct RuleReport: Sendable {
        /// The rule's id.
        package let ruleID: String

        /// Whether the rule is enabled.
        package let isEnabled: Bool

        /// Whether the rule is enabled and its condition holds, or may hold once the package is known.
        package let isMatch: Bool

        /// Whether that depends on the package, which is not known.
        package let isOpen: Bool

        /// How each test of the condition came out, in the rule's order.
        package let findings: [ConditionFinding]

        /// The steps of the chain, in their order; empty for a rule that does not match.
        package let steps: [StepReport]

        /// What a rule with time or state would decide about the event; empty for any other rule.
        package let decisions: [Decision]

        /// When the rule runs after a match, in words; nil for one that runs at once.
        package let timing: String?

        /// A report whose parts are known.
        package init(
            ruleID: String,
            isEnabled: Bool,
            isMatch: Bool,
            isOpen: Bool,
            findings: [ConditionFinding],
            steps: [StepReport],
            decisions: [Decision] = [],
            timing: String? = nil
        ) {
            self.decisions = decisions
            self.timing = timing
            self.ruleID = ruleID
            self.isEnabled = isEnabled
            self.isMatch = isMatch
            self.isOpen = isOpen
            self.findings = findings
            self.steps = steps
        }
    }

    /// What one step would do.
    package struct StepReport: Sendable {
        /// What a dry run of a step comes to.
        package enum Outcome: Sendable {
            /// What the step would do.
            case planned(JSON)
            /// The step's `if` does not hold.
            case skipped
            /// The step would fail before it did anything.
            case failing(StepFailure)
        }

        /// The step's id.
        package let stepID: String

        /// The name of its action.
        package let action: String

        /// What the step would do if all earlier steps succeeded.
        package let outcome: Outcome

        /// Whether the step's `if` looks at results of earlier steps, which a dry run can only assume.
        package let isConditional: Bool

        /// Why the step would fail as things are configured here, though its plan can be made.
        package let lack: String?

        /// A report whose parts are known.
        package init(stepID: String, action: String, outcome: Outcome, isConditional: Bool, lack: String?) {
            self.stepID = stepID
            self.action = action
            self.outcome = outcome
            self.isConditional = isConditional
            self.lack = lack
        }
    }

    private let ruleSet: RuleSet
    private let planner: Planner
    private let provisions: Provisions

    /// A dry run of rules, whose steps are planned by `planner` and find what `provisions` says.
    package init(ruleSet: RuleSet, planner: Planner, provisions: Provisions = Provisions()) {
        self.provisions = provisions
        self.ruleSet = ruleSet
        self.planner = planner
    }

    /// What each rule would do with `event`; earlier steps are taken to succeed, secrets are masked.
    ///
    /// Nothing is open, and no other event is stored.
    package func report(on event: Event, at now: Date) async -> [RuleReport] {
        await report(on: event, at: now) { StateSnapshot(emptyFor: $0) }
    }

    /// What each rule would do with `event`, where `snapshot` reads what rules with state have open.
    package func report(
        on event: Event,
        at now: Date,
        reading snapshot: (StateRequest) async throws -> StateSnapshot
    ) async rethrows -> [RuleReport] {
        let decider = Decider(rules: ruleSet, now: now)
        let evaluation = decider.evaluation(of: event)
        var known = try await snapshot(decider.request(for: [evaluation]))
        known.waiting.insert(event.id)
        let outcome = decider.outcome(for: [evaluation], in: known)
        let context = EvaluationContext(event: event, now: now, earlier: EventHistories(known.history))
        var reports: [RuleReport] = []
        for rule in ruleSet.rules {
            let partialResult = rule.condition.partialResult(in: context)
            let isMatch = rule.isEnabled && partialResult != false
            reports.append(
                RuleReport(
                    ruleID: rule.id,
                    isEnabled: rule.isEnabled,
                    isMatch: isMatch,
                    isOpen: rule.isEnabled && partialResult == nil,
                    findings: rule.condition.findings(in: context),
                    steps: isMatch ? await steps(of: rule, on: event, outcome, at: now) : [],
                    decisions: outcome.decisions.map(\.decision).filter { $0.ruleID == rule.id },
                    timing: rule.timingText
                )
            )
        }
        return reports
    }

    private func steps(
        of rule: Rule,
        on event: Event,
        _ decided: StateOutcome,
        at now: Date
    ) async -> [StepReport] {
        var (scope, strict) = (
            scope(of: rule, event, .hidden), scope(of: rule, event, .hidden(except: provisions.missingSecrets))
        )
        scope.facts = decided.runs.first { $0.ruleID == rule.id }?.facts ?? rule.facts(ofFirst: event, at: now)
        strict.facts = scope.facts
        var reports: [StepReport] = []
        for step in rule.steps {
            (scope.stepID, strict.stepID) = (step.id, step.id)
            let isConditional =
                step.condition?.references.contains { $0.path.components.first == .key("steps") } ?? false
            let outcome = await outcome(on: step, in: scope, isConditional, now)
            var lack: String?
            if case .planned = outcome { lack = await self.lack(of: step, in: strict) }
            reports.append(
                StepReport(
                    stepID: step.id,
                    action: step.action,
                    outcome: outcome,
                    isConditional: isConditional,
                    lack: lack
                )
            )
            (scope.steps[step.id], strict.steps[step.id]) = (.assumed, .assumed)
        }
        return reports
    }

    private func scope(of rule: Rule, _ event: Event, _ secrets: Secrets) -> Scope {
        Scope(
            event: event,
            ruleID: rule.id,
            ruleFolder: rule.folder,
            runID: Run.ID(rawValue: 0),
            secrets: secrets
        )
    }

    /// Why a step whose plan can be made would fail here all the same.
    private func lack(of step: Step, in scope: Scope) async -> String? {
        guard step.wait == nil else { return nil }
        if let sentence = provisions.lack(step) { return sentence }
        guard !provisions.missingSecrets.isEmpty else { return nil }
        do {
            _ = try await planner.prepare(step, in: scope)
            return nil
        } catch {
            return error.reason
        }
    }

    private func outcome(
        on step: Step,
        in scope: Scope,
        _ isConditional: Bool,
        _ now: Date
    ) async -> StepReport.Outcome {
        if let condition = step.condition, !isConditional,
            !condition.holds(
                in: EvaluationContext(
                    event: scope.event,
                    steps: JSONObject(),
                    configured: provisions.configured,
                    facts: scope.facts,
                    now: now
                )
            )
        {
            return .skipped
        }
        if let wait = step.wait {
            return .planned(["until": wait.end(from: now, in: scope).map { .string($0.rfc3339) } ?? .null])
        }
        do {
            return .planned(try await planner.prepare(step, in: scope).plan)
        } catch {
            return .failing(error)
        }
    }
}

/// What a deployment provides for the steps of a rule set.
package struct Provisions: Sendable {
    /// What steps find set under `configured`.
    package let configured: Configured

    /// Why a secret that the rules name has no value, by its name.
    package let missingSecrets: [String: String]

    /// What a step needs that is not configured, as a sentence; nil where it lacks nothing.
    package let lack: @Sendable (Step) -> String?

    /// Without arguments: nothing is configured, and nothing is missing.
    package init(
        configured: Configured = Configured(),
        missingSecrets: [String: String] = [:],
        lack: @escaping @Sendable (Step) -> String? = { _ in nil }
    ) {
        self.configured = configured
        self.missingSecrets = missingSecrets
        self.lack = lack
    }
}

extension StateSnapshot {
    /// What a store would answer in which nothing is open, and that holds no other event.
    package init(emptyFor request: StateRequest) {
        self.init()
        for query in request.history { history[query] = EventHistory(events: []) }
    }
}

extension Rule {
    /// What the word of the rule would leave to the first run that comes of `event`.
    fileprivate func facts(ofFirst event: Event, at now: Date) -> JSON? {
        switch timing {
        case .after: ["after": ["number": 1, "late": false, "due": .string(now.rfc3339)]]
        case .throttle: ["throttle": ["suppressed": 0]]
        case .threshold(let threshold):
            ["threshold": ["count": JSON(threshold.count), "events": [JSON(event.id.rawValue)]]]
        case .debounce: ["debounce": ["count": 1]]
        case .digest(let digest):
            digest.complete(
                [
                    "digest": [
                        "count": 1, "from": .string(event.happenedAt.rfc3339), "to": .string(event.happenedAt.rfc3339),
                    ]
                ],
                with: [event]
            )
        case nil: nil
        }
    }
}
