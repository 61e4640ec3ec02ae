package import CountersignCore
package import CountersignEngine
import CountersignRules

/// What rules would do with an event, as the API and `--json` give it.
extension DryRun.RuleReport {
    /// The rule with its conditions and its steps.
    package var json: JSON {
        var object: JSONObject = [
            "id": .string(rule.id), "matched": .bool(isMatch), "conditions": .array(findings.map(\.json)),
            "steps": .array(steps.map(\.json)),
        ]
        if !rule.isEnabled { object["enabled"] = false }
        if isOpen { object["depends_on_package"] = true }
        return .object(object)
    }
}

extension ConditionFinding {
    fileprivate var json: JSON {
        [
            "path": .string(path), "test": .string(test), "actual": actual ?? .null, "holds": .bool(holds),
        ]
    }
}

extension DryRun.StepReport {
    fileprivate var json: JSON {
        var object: JSONObject = ["id": .string(step.id), "action": .string(step.action)]
        switch outcome {
        case .planned(let plan): object["plan"] = plan
        case .skipped: object["skipped"] = true
        case .failing(let failure): object["failure"] = .string(failure.reason)
        }
        object["would_fail"] = lack.map { .string($0) }
        if isConditional { object["depends_on_results"] = true }
        return .object(object)
    }
}
