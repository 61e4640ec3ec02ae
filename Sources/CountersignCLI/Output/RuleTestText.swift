package import CountersignCore
package import CountersignEngine
import CountersignRules

/// What tests inside rule files came to, for people and for programs.
package struct RuleTestText: Sendable {
    /// One test and how long it took.
    package struct Entry: Sendable {
        /// What happened in the test, and what differs from its expectations.
        package let report: RuleTestReport

        /// How long the test took by the machine's clock, whatever times it simulates.
        package let took: Duration

        /// The result of a test that ran for `took`.
        package init(report: RuleTestReport, took: Duration) {
            self.report = report
            self.took = took
        }

        var place: String { "\(report.test.file.printable):\(report.test.span.line)" }
    }

    let entries: [Entry]

    /// The text of these tests, in their order.
    package init(_ entries: [Entry]) {
        self.entries = entries
    }

    /// How many tests failed.
    package var failed: Int { entries.count { !$0.report.isPassed } }

    /// A line for each test, under a failed one what differs and what happened, and the count at the end.
    package func text(isColoured: Bool) -> String {
        let lines = entries.flatMap { entry in
            let isPassed = entry.report.isPassed
            let mark = isPassed ? "ok  " : "FAIL"
            let painted = isColoured ? "\u{1B}[\(isPassed ? "1;32" : "1;31")m\(mark)\u{1B}[0m" : mark
            return ["\(painted)  \(entry.report.test.name.printable)  (\(entry.place))"]
                + Self.details(of: entry.report).map { "      " + $0 }
        }
        return (lines + ["\(entries.count - failed) passed, \(failed) failed"]).joined(separator: "\n")
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

    /// One object: the counts, and each test with its failures and its runs.
    package var json: JSON {
        [
            "passed": JSON(entries.count - failed), "failed": JSON(failed), "tests": .array(entries.map(Self.json)),
        ]
    }

    private static func json(_ entry: Entry) -> JSON {
        let report = entry.report
        return [
            "name": .string(report.test.name), "file": .string(report.test.file),
            "line": JSON(report.test.span.line), "passed": .bool(report.isPassed),
            "milliseconds": JSON(entry.took.milliseconds),
            "failures": .array(report.failures.map(json)), "runs": .array(report.runs.map(json)),
        ]
    }

    private static func json(_ failure: RuleTestReport.Failure) -> JSON {
        let text = RuleTestFailureText(failure: failure)
        return [
            "line": text.line.map { JSON($0) } ?? .null, "message": .string(text.sentence),
            "details": .array(text.details.map { .string($0) }),
        ]
    }

    private static func json(_ run: RuleTestReport.TestedRun) -> JSON {
        [
            "event": JSON(run.event), "rule": .string(run.rule), "state": .string(run.state.rawValue),
            "steps": .array(
                run.steps.map { step in
                    [
                        "id": .string(step.id), "status": .string(step.status.rawValue),
                        "attempts": JSON(step.attempts),
                        "reason": JSON(step.reason), "plan": step.plan ?? .null,
                    ]
                }
            ),
        ]
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

extension Duration {
    /// The whole milliseconds in it.
    var milliseconds: Int64 { components.seconds * 1_000 + components.attoseconds / 1_000_000_000_000_000 }
}
