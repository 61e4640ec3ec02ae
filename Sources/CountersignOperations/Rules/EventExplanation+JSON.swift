package import CountersignCore
package import CountersignEngine
import CountersignRules
import CountersignStore

/// Why rules matched an event or did not, as the API and `--json` give it.
extension EventExplanation {
    /// One object: the event, the rule set, and each rule with its condition and remedy as trees.
    package var json: JSON {
        [
            "event": JSON(stored.event.id.rawValue), "name": .string(stored.event.name),
            "evaluated": .bool(stored.dispatchedAt != nil), "evaluated_at": .string(evaluatedAt.rfc3339),
            "rule_set": .string(ruleSet.rawValue), "rules": .array(rules.map(json)),
            "replays": .array(
                replays.map { replay in
                    [
                        "at": .string(replay.at.rfc3339), "rule_set": .string(replay.ruleSet.rawValue),
                        "rules": replay.rules.map { .array($0.map(json)) } ?? .null,
                    ]
                }
            ),
        ]
    }

    private func json(_ rule: RuleExplanation) -> JSON {
        [
            "id": .string(rule.rule.id), "enabled": .bool(rule.rule.isEnabled),
            "matched": rule.kept.map { .bool($0) } ?? .null, "matches_now": .bool(rule.matches),
            "condition": json(rule.condition), "to_match": rule.counterfactual.map(json) ?? .null,
        ]
    }

    private func json(_ part: Explanation) -> JSON {
        switch part {
        case .all(let parts): ["holds": .bool(part.holds), "all": .array(parts.map(json))]
        case .any(let parts): ["holds": .bool(part.holds), "any": .array(parts.map(json))]
        case .not(let inner): ["holds": .bool(part.holds), "not": json(inner)]
        case .test(let finding):
            [
                "holds": .bool(finding.holds), "path": .string(finding.path), "test": .string(finding.test),
                "actual": finding.actual ?? .null, "fetched": .bool(!finding.isUnknown),
            ]
        }
    }

    private func json(_ counterfactual: Counterfactual) -> JSON {
        switch counterfactual {
        case .change(let change): ["path": .string(change.path), "sentence": .string(change.sentence)]
        case .every(let parts): ["every": .array(parts.map(json))]
        case .one(let parts): ["one": .array(parts.map(json))]
        }
    }
}
