import CountersignEngine
import CountersignModel
import CountersignRules

/// What a dry run found out about one event, for people and for programs.
struct DryRunText {
    let source: String
    let event: Event
    let reports: [DryRun.RuleReport]

    /// One object: the source, the event, and each rule with its conditions and its steps.
    var json: JSON {
        [
            "source": .string(source), "event": event.payload, "rules": .array(reports.map(json)),
        ]
    }

    private func json(_ report: DryRun.RuleReport) -> JSON {
        var object: JSONObject = [
            "id": .string(report.rule.id), "matched": .bool(report.isMatch),
            "conditions": .array(report.findings.map(json)), "steps": .array(report.steps.map(json)),
        ]
        if !report.rule.isEnabled { object["enabled"] = false }
        if report.isOpen { object["depends_on_package"] = true }
        return .object(object)
    }

    private func json(_ finding: ConditionFinding) -> JSON {
        [
            "path": .string(finding.path), "test": .string(finding.test), "actual": finding.actual ?? .null,
            "holds": .bool(finding.holds),
        ]
    }

    private func json(_ report: DryRun.StepReport) -> JSON {
        var object: JSONObject = ["id": .string(report.step.id), "action": .string(report.step.action)]
        switch report.verdict {
        case .planned(let plan): object["plan"] = plan
        case .skipped: object["skipped"] = true
        case .failing(let failure): object["failure"] = .string(failure.reason)
        }
        if report.isConditional { object["depends_on_results"] = true }
        return .object(object)
    }

    /// The findings as text, a rule after the other.
    func text(onlyMatching: Bool) -> String {
        var lines = [
            "\(source.printable)  \(event.name.printable)  \(event.payload["packageId"]?.plainText.printable ?? "")"
        ]
        for report in reports where report.isMatch || !onlyMatching {
            let verdict =
                report.isOpen
                ? "may match: that depends on the package, which --package FILE gives"
                : report.isMatch ? "matches" : report.rule.isEnabled ? "does not match" : "is disabled"
            lines.append("  \(report.isMatch ? "+" : "-") \(report.rule.id) \(verdict)")
            lines += report.findings.map { finding in
                let actual = finding.isOpen ? "not known" : finding.actual.map { $0.text.printable } ?? "absent"
                return
                    "      \(finding.isOpen ? "?  " : finding.holds ? "yes" : "no ")  \(finding.path) \(finding.test.printable)  (is \(actual))"
            }
            lines += report.steps.map(text)
        }
        let count = reports.count { $0.isMatch }
        lines.append("  \(count) of \(reports.count) rules match")
        return lines.joined(separator: "\n")
    }

    private func text(_ report: DryRun.StepReport) -> String {
        let head = "      step \(report.step.id) (\(report.step.action))"
        let condition = report.isConditional ? ", if the results before it allow it" : ""
        return switch report.verdict {
        case .planned(let plan): "\(head)\(condition): \(plan.text.printable)"
        case .skipped: "\(head) is skipped: its 'if' does not hold"
        case .failing(let failure): "\(head) would fail: \(failure.reason.printable)"
        }
    }
}
