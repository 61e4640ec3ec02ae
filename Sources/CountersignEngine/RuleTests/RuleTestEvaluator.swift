import CountersignCore
import CountersignRules
import Foundation

/// Compares what happened in a test with what it expects; decides and nothing else.
struct RuleTestEvaluator {
    typealias Report = RuleTestReport

    let test: RuleTest
    let ruleSet: RuleSet

    /// The events that were evaluated, with their numbers in the test.
    let events: [(number: Int, event: Event)]
    let runs: [Report.TestedRun]

    /// The time at which the test ended.
    let now: Date

    /// Everything that is not as expected, in the order of the test.
    var failures: [Report.Failure] {
        var failures: [Report.Failure] = []
        var shown: Set<Int> = []
        for expectation in test.expectations { failures += evaluate(expectation, &shown) }
        failures += unknownVariables(besides: shown)
        failures += test.silentRules.flatMap { rule in
            runs.filter { $0.rule == rule }.map { .unexpectedRun($0) }
        }
        return failures
    }

    private func evaluate(_ expectation: RuleTest.Expectation, _ shown: inout Set<Int>) -> [Report.Failure] {
        let candidates = runs.indices.filter { runs[$0].rule == expectation.rule }
        guard !candidates.isEmpty else { return [noRun(expectation)] }
        let fitting = candidates.count { differences(of: runs[$0], from: expectation).isEmpty }
        guard fitting == 0 else {
            guard let times = expectation.times, times != fitting else { return [] }
            return [.wrongCount(expectation, expected: times, actual: fitting)]
        }
        let nearest = candidates.min {
            distance(of: runs[$0], from: expectation) < distance(of: runs[$1], from: expectation)
        }
        guard let nearest else { return [] }
        shown.insert(nearest)
        return [.differs(expectation, runs[nearest], differences(of: runs[nearest], from: expectation))]
    }

    /// Runs of an expected rule that are like none of its expectations, apart from those `shown` already.
    private func unknownVariables(besides shown: Set<Int>) -> [Report.Failure] {
        runs.indices.filter { !shown.contains($0) }
            .compactMap { index in
                let run = runs[index]
                let expectations = test.expectations.filter { $0.rule == run.rule }
                guard let nearest = expectations.min(by: { distance(of: run, from: $0) < distance(of: run, from: $1) })
                else { return nil }
                let differences = differences(of: run, from: nearest)
                return differences.isEmpty ? nil : .differs(nearest, run, differences)
            }
    }

    private func noRun(_ expectation: RuleTest.Expectation) -> Report.Failure {
        let rule = ruleSet.rule(expectation.rule)
        if let rule, rule.isEnabled, rule.schedule != nil, test.until == nil { return .needsEnd(expectation) }
        let matchSet = events.map { number, event in
            Report.EventResult(
                event: number,
                name: event.name,
                findings: rule?.condition.findings(in: EvaluationContext(event: event, now: event.receivedAt)) ?? []
            )
        }
        return .noRun(expectation, isEnabled: rule?.isEnabled ?? false, matchSet)
    }

    private func distance(of run: Report.TestedRun, from expectation: RuleTest.Expectation) -> Int {
        differences(of: run, from: expectation).count
    }

    private func differences(
        of run: Report.TestedRun,
        from expectation: RuleTest.Expectation
    ) -> [Report.Difference] {
        var differences: [Report.Difference] = []
        if let end = expectation.end, end.rawValue != run.state.rawValue {
            differences.append(.end(expected: end, actual: run.state))
        }
        guard let expected = expectation.steps else { return differences }
        let actual = run.tried.map(\.id)
        if expected.map(\.id) != actual { differences.append(.steps(expected: expected.map(\.id), actual: actual)) }
        for step in expected {
            guard let tried = run.tried.first(where: { $0.id == step.id }) else { continue }
            if let time = step.time, !time.isNear(tried.begin) {
                differences.append(.time(step: step.id, expected: time, actual: tried.begin))
            }
            if let condition = step.plan { differences += difference(of: tried, from: condition).map { [$0] } ?? [] }
        }
        return differences
    }

    private func difference(of step: Report.TestedStep, from condition: Condition) -> Report.Difference? {
        guard let plan = step.plan else { return .noPlan(step: step.id, reason: step.reason ?? "it has no plan") }
        // 'event' is a word of conditions: here it is the name of the event that the step raises.
        let name = plan["event"]?.string ?? ""
        let context = EvaluationContext(subject: plan, eventName: name, origin: .callback, now: now)
        guard !condition.holds(in: context) else { return nil }
        let findings = condition.findings(in: context)
        let wrong = findings.filter { !$0.holds }
        // Under a 'not', it is the test that holds which is wrong.
        return .plan(step: step.id, wrong.isEmpty ? findings : wrong, plan: plan)
    }
}
