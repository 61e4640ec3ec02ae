import CountersignCore

extension RuleTestReader {
    func expectation(_ node: Node) -> RuleTest.Expectation? {
        guard let map = MapReader(node, what: "an expected run", keys: RuleKeys.expectation, findings: findings)
        else { return nil }
        let ruleEntry = map.required("rule")
        let rule = ruleEntry.flatMap { ruleID($0.value) }
        let times = map["times"].flatMap { options.integer($0.value, in: 1...10_000, what: "'times'") }
        let end = map["ends"]
            .flatMap { entry in
                options.choice(entry.value, of: RuleTest.End.allCases.map(\.rawValue), what: "'ends'")
            }
        let steps = map.list("steps", of: "step ids")?.compactMap { step($0, of: rule ?? "") }
        guard let rule, let ruleEntry else { return nil }
        return RuleTest.Expectation(
            rule: rule,
            times: times,
            end: end.flatMap(RuleTest.End.init),
            steps: steps,
            span: ruleEntry.value.span
        )
    }

    /// A step's id, or a map of its id and what should hold for its plan.
    private func step(_ node: Node, of rule: String) -> RuleTest.StepExpectation? {
        guard node.entries != nil else {
            return stepID(node, of: rule)
                .map { RuleTest.StepExpectation(id: $0, plan: nil, time: nil, span: node.span) }
        }
        guard let map = MapReader(node, what: "an expected step", keys: RuleKeys.expectedStep, findings: findings),
            let idEntry = map.required("id"), let id = stepID(idEntry.value, of: rule)
        else { return nil }
        let references = ReferenceChecker(findings: findings, knowsFields: false)
        let reader = ConditionReader(findings: findings, setting: .item, references: references)
        let plan = map["plan"].flatMap { reader.root($0.value, what: "'plan'", at: $0.keySpan) }
        if map["plan"] != nil, plan == nil { return nil }
        let time = map["at"].flatMap { options.duration($0.value, what: "'at'") }
        return RuleTest.StepExpectation(id: id, plan: plan, time: time, span: idEntry.value.span)
    }
}
