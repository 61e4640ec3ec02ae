import CountersignCore
package import CountersignEngine
import CountersignOperations
import CountersignRules
import CountersignStore

/// Why rules matched an event or did not, for people and for programs.
package struct ExplanationText {
    private static let longestValue = 200

    private let explanation: EventExplanation

    /// The text of the explanation of one event.
    package init(_ explanation: EventExplanation) {
        self.explanation = explanation
    }

    private var isEvaluated: Bool { explanation.isEvaluated }

    /// The event and each rule: its conditions with what was found, and what would have had to differ.
    package var text: String {
        let packageID = explanation.packageID.map { "  \($0.printable)" } ?? ""
        var lines = ["event      \(explanation.eventID)  \(explanation.eventName.printable)\(packageID)"]
        if isEvaluated {
            lines.append("evaluated  \(explanation.evaluatedAt.rfc3339) by rule set \(explanation.ruleSet.short)")
        } else {
            lines.append(
                "evaluated  not yet; explained with the last active rules, rule set \(explanation.ruleSet.short)"
            )
        }
        let trails = DecisionTrail.trails(of: explanation.decisions)
        lines += explanation.rules.flatMap { self.lines(on: $0, trails, explanation.lateArrivals) }
        // An edited set has not each rule any more.
        let known = Set(explanation.rules.map(\.ruleID))
        for trail in trails where !known.contains(trail.ruleID) {
            lines += ["", "  \(trail.ruleID.printable)", "    = \(trail.words(DecisionText()))"]
        }
        for replay in explanation.replays {
            lines += ["", "replayed   \(replay.at.rfc3339) by rule set \(replay.ruleSet.short)"]
            lines += replay.rules?.flatMap { self.lines(on: $0, []) } ?? ["", "its rules cannot be read any more"]
        }
        return lines.joined(separator: "\n")
    }

    private func lines(
        on rule: RuleExplanation,
        _ trails: [DecisionTrail],
        _ late: [LateArrival] = []
    ) -> [String] {
        let matched = rule.kept ?? rule.matches
        var lines = ["", "\(matched ? "+" : "-") \(rule.ruleID) \(result(on: rule, matched))"]
        for trail in trails where trail.ruleID == rule.ruleID {
            lines.append("    = \(trail.words(DecisionText()))")
        }
        for late in late where late.ruleID == rule.ruleID { lines.append("    ! \(late.words)") }
        if rule.isContradicted {
            let result = rule.matches ? "matches" : "does not match"
            lines.append("    ! evaluated again by this program, it \(result): the program has changed since")
        }
        if rule.isOpen {
            lines.append("    ? it depends on the package, which is not fetched yet: see 'countersign runs list'")
        }
        lines += self.lines(on: rule.condition, depth: 2)
        let counterfactuals = rule.counterfactual.map { self.lines(on: $0, depth: 3) } ?? []
        if !rule.isEnabled || !counterfactuals.isEmpty { lines.append("    to match") }
        if !rule.isEnabled { lines.append("      the rule would have to be enabled") }
        return lines + counterfactuals
    }

    private func result(on rule: RuleExplanation, _ matched: Bool) -> String {
        guard rule.isEnabled else { return isEvaluated ? "was disabled" : "is disabled" }
        guard isEvaluated else { return matched ? "will match" : "will not match" }
        return matched ? "matched" : "did not match"
    }

    private func lines(on part: Explanation, depth: Int) -> [String] {
        let head = String(repeating: "  ", count: depth) + (part.holds ? "yes  " : "no   ")
        func group(_ title: String, _ parts: [Explanation]) -> [String] {
            [head + title] + parts.flatMap { lines(on: $0, depth: depth + 1) }
        }
        return switch part {
        // The parts of a rule's `when` all have to hold anyway: only inner groups are named.
        case .all(let parts) where depth == 2: parts.flatMap { lines(on: $0, depth: depth) }
        case .all(let parts): group("all of", parts)
        case .any(let parts): group("any of", parts)
        case .not(.test(let finding)): [head + "not: " + Self.line(finding)]
        case .not(let inner): group("not", [inner])
        case .test(let finding): [head + Self.line(finding)]
        }
    }

    private static func line(_ finding: Explanation.Finding) -> String {
        "\(finding.path.printable) \(finding.test.printable)  (is \(finding.isUnknown ? "not fetched" : shown(finding.actual)))"
    }

    private static func shown(_ value: JSON?) -> String {
        guard let text = value?.text.printable else { return "absent" }
        return text.count > longestValue ? "\(text.prefix(longestValue))…" : text
    }

    private func lines(on counterfactual: Counterfactual, depth: Int) -> [String] {
        let indent = String(repeating: "  ", count: depth)
        return switch counterfactual {
        case .change(let change): [indent + change.sentence.printable]
        case .every(let parts) where depth == 3: parts.flatMap { lines(on: $0, depth: depth) }
        case .every(let parts): [indent + "all of the following"] + parts.flatMap { lines(on: $0, depth: depth + 1) }
        case .one(let parts) where parts.isEmpty: [indent + "it can never match"]
        case .one(let parts): [indent + "one of the following"] + parts.flatMap { lines(on: $0, depth: depth + 1) }
        }
    }
}
