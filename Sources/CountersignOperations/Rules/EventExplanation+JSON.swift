package import CountersignCore
package import CountersignEngine
import CountersignRules
import CountersignStore
import Foundation

/// Why rules matched an event or did not, as the API and `--json` give it.
extension EventExplanation {
    /// The event, the rule set, and each rule with its condition and its counterfactual as trees.
    package static let shape = Shape<EventExplanation>(
        "Explanation",
        [
            .always("event", .id) { JSON($0.eventID.rawValue) },
            .always("name", .string) { .string($0.eventName) },
            .text("package") { $0.packageID },
            .always("evaluated", .boolean) { .bool($0.isEvaluated) },
            .always("evaluated_at", .dateTime) { .string($0.evaluatedAt.rfc3339) },
            .always("rule_set", .string) { .string($0.ruleSet.rawValue) },
            .always("rules", .array(.named("ExplainedRule"))) { .array($0.rules.map(\.json)) },
            .always("decisions", .array(.named(Decision.shape.name))) { .array($0.decisions.map(\.json)) },
            .always("late_arrivals", .array(.named(LateArrival.shape.name))) { .array($0.lateArrivals.map(\.json)) },
            .always("replays", .array(.named("ExplainedReplay"))) { .array($0.replays.map(\.json)) },
        ]
    )

    /// The explanation as the API and `--json` show it.
    package var json: JSON { Self.shape.json(self) }

    /// Reads what `json` gives.
    ///
    /// - Throws: `OperationError` for anything else.
    package init(json: JSON) throws(OperationError) {
        let document = Document(json, "an explanation")
        self.init(
            eventID: Event.ID(rawValue: try document.number("event")),
            eventName: try document.text("name"),
            packageID: try document.optionalText("package"),
            ruleSet: RuleSetVersion(rawValue: try document.text("rule_set")),
            isEvaluated: try document.flag("evaluated"),
            evaluatedAt: try document.time("evaluated_at"),
            rules: try document.list("rules") { json throws(OperationError) in try RuleExplanation(json: json) },
            replays: try document.list("replays") { json throws(OperationError) in try Replay(json: json) },
            decisions: try document.list("decisions") { json throws(OperationError) in try Decision(json: json) },
            lateArrivals: try document.list("late_arrivals") { json throws(OperationError) in
                try LateArrival(json: json)
            }
        )
    }
}

extension EventExplanation.Replay {
    static let shape = Shape<EventExplanation.Replay>(
        "ExplainedReplay",
        [
            .always("at", .dateTime) { .string($0.at.rfc3339) },
            .always("rule_set", .string) { .string($0.ruleSet.rawValue) },
            .always("rules", .nullable(.array(.named("ExplainedRule")))) { replay in
                replay.rules.map { .array($0.map(\.json)) } ?? .null
            },
        ]
    )

    fileprivate var json: JSON { Self.shape.json(self) }

    fileprivate init(json: JSON) throws(OperationError) {
        let document = Document(json, "a replay")
        let rules: [RuleExplanation]? =
            try document.has("rules")
            ? document.list("rules") { json throws(OperationError) in try RuleExplanation(json: json) } : nil
        self.init(
            at: try document.time("at"),
            ruleSet: RuleSetVersion(rawValue: try document.text("rule_set")),
            rules: rules
        )
    }
}

extension LateArrival {
    /// The event that came too late, the rule and the entry of `after`, and what it would have changed.
    package static let shape = Shape<LateArrival>(
        "LateArrival",
        [
            .always("event", .id) { JSON($0.eventID.rawValue) },
            .always("name", .string) { .string($0.name) },
            .always("rule", .string) { .string($0.ruleID) },
            .optional("part", .string) { $0.part.isEmpty ? nil : .string($0.part) },
            .always("effect", .choice(Effect.allCases.map(\.rawValue))) { .string($0.effect.rawValue) },
            .always("text", .string) { .string($0.words) },
        ]
    )

    fileprivate var json: JSON { Self.shape.json(self) }

    fileprivate init(json: JSON) throws(OperationError) {
        let document = Document(json, "an event that came too late")
        self.init(
            ruleID: try document.text("rule"),
            part: try document.optionalText("part") ?? "",
            eventID: Event.ID(rawValue: try document.number("event")),
            name: try document.text("name"),
            effect: try document.choice("effect")
        )
    }

    /// What it would have changed, as a sentence.
    package var words: String {
        let change =
            switch effect {
            case .match: "the rule would have matched"
            case .noMatch: "the rule would not have matched"
            case .cancel: "it would have cancelled 'after' \(part)"
            }
        return "event \(eventID) \(name.printable) came later; in time, \(change)"
    }
}

extension RuleExplanation {
    static let shape = Shape<RuleExplanation>(
        "ExplainedRule",
        [
            .always("id", .string) { .string($0.ruleID) },
            .always("enabled", .boolean) { .bool($0.isEnabled) },
            .always("matched", .nullable(.boolean)) { $0.kept.map { .bool($0) } ?? .null },
            .always("matches_now", .boolean) { .bool($0.matches) },
            .always("depends_on_package", .boolean) { .bool($0.isOpen) },
            .always("condition", .any) { $0.condition.json },
            .always("to_match", .any) { $0.counterfactual?.json ?? .null },
        ]
    )

    fileprivate var json: JSON { Self.shape.json(self) }

    fileprivate init(json: JSON) throws(OperationError) {
        let document = Document(json, "a rule")
        self.init(
            ruleID: try document.text("id"),
            isEnabled: try document.flag("enabled"),
            kept: try document.optional("matched", \.bool),
            condition: try Explanation(json: document.value("condition") { $0 }),
            isOpen: try document.flag("depends_on_package")
        )
    }
}

extension Explanation {
    fileprivate var json: JSON {
        switch self {
        case .all(let parts): ["holds": .bool(holds), "all": .array(parts.map(\.json))]
        case .any(let parts): ["holds": .bool(holds), "any": .array(parts.map(\.json))]
        case .not(let inner): ["holds": .bool(holds), "not": inner.json]
        case .test(let finding):
            [
                "holds": .bool(finding.holds), "path": .string(finding.path), "test": .string(finding.test),
                "requirement": .string(finding.requirement), "actual": finding.actual ?? .null,
                "fetched": .bool(!finding.isUnknown),
            ]
        }
    }

    fileprivate init(json: JSON) throws(OperationError) {
        let document = Document(json, "a condition")
        func parts(_ key: String) throws(OperationError) -> [Explanation] {
            try document.list(key) { json throws(OperationError) in try Explanation(json: json) }
        }
        if document.has("all") {
            self = .all(try parts("all"))
        } else if document.has("any") {
            self = .any(try parts("any"))
        } else if document.has("not") {
            self = .not(try Explanation(json: document.value("not") { $0 }))
        } else {
            self = .test(
                Finding(
                    path: try document.text("path"),
                    test: try document.text("test"),
                    requirement: try document.text("requirement"),
                    actual: document.any("actual"),
                    holds: try document.flag("holds"),
                    isUnknown: try !document.flag("fetched")
                )
            )
        }
    }
}

extension Counterfactual {
    fileprivate var json: JSON {
        switch self {
        case .change(let change): ["path": .string(change.path), "sentence": .string(change.sentence)]
        case .every(let parts): ["every": .array(parts.map(\.json))]
        case .one(let parts): ["one": .array(parts.map(\.json))]
        }
    }
}
