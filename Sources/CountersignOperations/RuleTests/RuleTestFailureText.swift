import CountersignCore
package import CountersignEngine
import CountersignRules

/// One failure of a rule test in words: a sentence, and under it what was expected and what was found.
package struct RuleTestFailureText {
    private static let longest = 300

    private let failure: RuleTestReport.Failure

    /// The words for a failure.
    package init(failure: RuleTestReport.Failure) {
        self.failure = failure
    }

    /// The line of the expectation in its file; nil where the failure belongs to the test as a whole.
    package var line: Int? {
        switch failure {
        case .needsEnd(let expectation), .noRun(let expectation, _, _), .differs(let expectation, _, _),
            .wrongCount(let expectation, _, _):
            expectation.span.line
        case .notPending(let expectation, _): expectation.span.line
        case .notCancelled(let expectation, _, _): expectation.span.line
        case .unreadable, .unknownOutput, .unexpectedRun, .endless: nil
        }
    }

    /// What happened, on one line.
    package var sentence: String {
        switch failure {
        case .unreadable(let event, let reason): "event \(event) cannot be read: \(reason.printable)"
        case .unknownOutput(let mock, let key, let known):
            "step '\(mock.step)' of rule '\(mock.rule)' has no output '\(key.printable)' to mock; "
                + "it leaves \(Self.list(known))"
        case .needsEnd(let expectation):
            "rule '\(expectation.rule)' did not run: it runs at the times of its schedule; add 'until' to the test, such as "
                + "'until: 8d'"
        case .endless(let time):
            "the test was ended \(time.text) after its start, as something was due \(RuleTestRunner.mostSteps) times by then; "
                + "give it a shorter 'until'"
        case .noRun(let expectation, false, _): "rule '\(expectation.rule)' did not run: it is disabled"
        case .noRun(let expectation, true, _): "rule '\(expectation.rule)' did not run"
        case .differs(let expectation, let run, _):
            "rule '\(expectation.rule)' ran for event \(run.event), but not as expected"
        case .wrongCount(let expectation, let expected, let actual):
            "rule '\(expectation.rule)' ran \(Self.times(actual)) as described here, not \(Self.times(expected))"
        case .notPending(let expectation, _): "nothing is open for rule '\(expectation.rule)' as described here"
        case .notCancelled(let expectation, nil, _):
            "no timer of rule '\(expectation.rule)' was cancelled as described here"
        case .notCancelled(let expectation, let expected?, let actual):
            "timers of rule '\(expectation.rule)' were cancelled \(Self.times(actual)) as described here, not "
                + Self.times(expected)
        case .unexpectedRun(let run): "rule '\(run.rule)' ran for event \(run.event), which 'expect_none' rules out"
        }
    }

    /// What is under the sentence.
    package var details: [String] {
        switch failure {
        case .unreadable, .unknownOutput, .wrongCount, .unexpectedRun, .notCancelled, .noRun(_, isEnabled: false, _),
            .needsEnd, .endless:
            []
        case .notPending(_, let open):
            open.isEmpty ? ["nothing is open for the rule"] : open.map(Self.line)
        case .noRun(_, isEnabled: true, let matchSet): matchSet.flatMap(lines)
        case .differs(_, _, let differences): differences.flatMap(lines)
        }
    }

    private func lines(_ result: RuleTestReport.EventResult) -> [String] {
        ["event \(result.event), \(result.name.printable)"]
            + result.findings.map { finding in
                let mark = finding.holds ? "yes" : "no "
                return "  \(mark)  \(finding.path) \(finding.test.printable)  (is \(Self.text(of: finding.actual)))"
            }
    }

    private func lines(_ difference: RuleTestReport.Difference) -> [String] {
        switch difference {
        case .time(let step, let expected, let actual):
            ["time of step '\(step)' since the start"] + Self.pair(expected.text, actual.text)
        case .end(let expected, let actual): ["end"] + Self.pair(expected.rawValue, actual.rawValue)
        case .steps(let expected, let actual): ["steps"] + Self.pair(Self.list(expected), Self.list(actual))
        case .plan(let step, let findings, let plan):
            findings.flatMap { finding in
                ["plan of step '\(step)' at \(finding.path)"]
                    + Self.pair(expectation(finding), Self.text(of: finding.actual, in: plan))
            }
        case .noPlan(let step, let reason):
            ["plan of step '\(step)'"] + Self.pair("a plan", "none: \(reason.printable)")
        }
    }

    /// A test that holds and is wrong all the same is under a 'not'.
    private func expectation(_ finding: ConditionFinding) -> String {
        (finding.holds ? "not " : "") + finding.test.printable
    }

    private static func pair(_ expected: String, _ actual: String) -> [String] {
        ["  expected  \(expected)", "  was       \(actual)"]
    }

    private static func text(of value: JSON?, in plan: JSON) -> String {
        guard value == nil, let keys = plan.object?.keys else { return text(of: value) }
        return "absent; the plan has \(list(keys))"
    }

    private static func text(of value: JSON?) -> String {
        guard let text = value?.text.printable else { return "absent" }
        return text.count > longest ? text.prefix(longest) + "…" : text
    }

    private static func list(_ words: [String]) -> String {
        words.isEmpty ? "none" : words.joined(separator: ", ")
    }

    private static func line(_ item: RuleTestReport.OpenItem) -> String {
        "\(item.kind.rawValue) of \(item.key.description.printable)"
            + (item.offset.map { ", due \($0.text) after the start" } ?? "")
    }

    private static func times(_ count: Int) -> String {
        count == 1 ? "once" : count == 0 ? "never" : "\(count) times"
    }
}
