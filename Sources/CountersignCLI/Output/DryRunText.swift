import CountersignCore
import CountersignEngine
import CountersignOperations
import CountersignRules

/// What a dry run found out about one event, for people and for programs.
struct DryRunText {
    let source: String
    let event: Event
    let reports: [DryRun.RuleReport]

    /// The findings as text, a rule after the other.
    func text(onlyMatching: Bool) -> String {
        var lines = [
            "\(source.printable)  \(event.name.printable)  \(event.payload.packageID?.printable ?? "")"
        ]
        for report in reports where report.isMatch || !onlyMatching {
            let outcome =
                report.isOpen
                ? "may match: this depends on the package; give it with --package FILE"
                : report.isMatch ? "matches" : report.isEnabled ? "does not match" : "is disabled"
            lines.append("  \(report.isMatch ? "+" : "-") \(report.ruleID) \(outcome)")
            lines += report.findings.map { finding in
                let actual = finding.isOpen ? "not known" : finding.actual.map { $0.text.printable } ?? "absent"
                return
                    "      \(finding.isOpen ? "?  " : finding.holds ? "yes" : "no ")  \(finding.path) \(finding.test.printable)  (is \(actual))"
            }
            if report.isMatch, let timing = report.timing { lines.append("      \(timing.printable)") }
            lines += report.decisions.map { "      \(DecisionText().prospect($0).printable)" }
            lines += report.steps.map(text)
        }
        let count = reports.count { $0.isMatch }
        lines.append("  \(count) of \(reports.count) rules match")
        return lines.joined(separator: "\n")
    }

    private func text(_ report: DryRun.StepReport) -> String {
        let head = "      step \(report.stepID) (\(report.action))"
        let condition = report.isConditional ? ", if earlier results allow it" : ""
        return switch report.outcome {
        case .planned(let plan):
            "\(head)\(condition): \(plan.text.printable)"
                + (report.lack.map { "\n        but it would fail with the current settings: \($0.printable)" } ?? "")
        case .skipped: "\(head) is skipped: its 'if' does not hold"
        case .failing(let failure): "\(head) would fail: \(failure.reason.printable)"
        }
    }
}
