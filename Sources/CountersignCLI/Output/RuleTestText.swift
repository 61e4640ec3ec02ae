import CountersignCore
import CountersignEngine
package import CountersignOperations
import CountersignRules

/// What tests inside rule files came to, for people and for programs.
package struct RuleTestText: Sendable {
    private let result: RuleTestResult

    /// The text of tests, in their order.
    package init(_ result: RuleTestResult) {
        self.result = result
    }

    /// A line for each test, under a failed one what differs and what happened, and the count at the end.
    package func text(isColoured: Bool) -> String {
        let lines = result.entries.flatMap { entry in
            let isPassed = entry.report.isPassed
            let mark = isPassed ? "ok  " : "FAIL"
            let painted = isColoured ? "\u{1B}[\(isPassed ? "1;32" : "1;31")m\(mark)\u{1B}[0m" : mark
            return [
                "\(painted)  \(entry.report.test.name.printable)  (\(entry.report.test.file.printable):\(entry.report.test.span.line))"
            ]
                + Self.details(of: entry.report).map { "      " + $0 }
        }
        return (lines + ["\(result.passed) passed, \(result.failed) failed"]).joined(separator: "\n")
    }

    /// What differs and what happened, line by line; nothing for a test that passed.
    static func details(of report: RuleTestReport) -> [String] {
        guard !report.isPassed else { return [] }
        let differences = report.failures.flatMap { failure in
            let text = RuleTestFailureText(failure: failure)
            let place = text.line.map { "line \($0): " } ?? ""
            return [place + text.sentence] + text.details.map { "  " + $0 }
        }
        return differences + ["what happened"] + report.sent.flatMap { timeline(of: $0, in: report).map { "  " + $0 } }
    }

    private static func timeline(of sent: RuleTestReport.Sent, in report: RuleTestReport) -> [String] {
        let head = "event \(sent.number), \(sent.name.printable)"
        switch sent.outcome {
        case .duplicate(let first): return ["\(head): a duplicate of event \(first), not evaluated"]
        case .unreadable: return ["\(head): not evaluated"]
        case .evaluated: break
        }
        let runs = report.runs.filter { $0.event == sent.number }
        guard !runs.isEmpty else { return ["\(head): no rule ran"] }
        return [head]
            + runs.flatMap { run in
                ["  \(run.rule) \(run.state.rawValue): \(run.steps.map(\.text).joined(separator: ", "))"]
                    + run.failed.map { "    \($0.id) failed: \(($0.reason ?? "").printable)" }
            }
    }
}

extension RuleTestReport.TestedStep {
    /// The step in a word or two: its id, and what is unusual about it.
    fileprivate var text: String {
        switch status {
        case .skipped: "\(id) (skipped)"
        case .failed: "\(id) (failed, \(attempts) \(attempts == 1 ? "try" : "tries"))"
        case .succeeded where attempts > 1: "\(id) (\(attempts) tries)"
        case .succeeded, .interrupted: id
        }
    }
}
