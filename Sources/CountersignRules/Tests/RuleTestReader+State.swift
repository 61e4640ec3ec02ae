import CountersignCore
import Foundation

extension RuleTestReader {
    func pending(_ node: Node) -> RuleTest.PendingExpectation? {
        guard let map = MapReader(node, what: "what is open", keys: RuleKeys.pending, findings: findings),
            let entry = map.required("rule"), let rule = ruleID(entry.value)
        else { return nil }
        let kinds = RuleTest.PendingKind.allCases.map(\.rawValue)
        let kind = map["kind"].flatMap { options.choice($0.value, of: kinds, what: "'kind'") }
        return RuleTest.PendingExpectation(
            rule: rule,
            key: map["key"].flatMap { key($0.value) },
            kind: kind.flatMap(RuleTest.PendingKind.init),
            due: map["due"].flatMap { moment($0.value) },
            span: entry.value.span
        )
    }

    func cancelled(_ node: Node) -> RuleTest.CancelledExpectation? {
        guard let map = MapReader(node, what: "what is cancelled", keys: RuleKeys.cancelled, findings: findings),
            let entry = map.required("rule"), let rule = ruleID(entry.value)
        else { return nil }
        return RuleTest.CancelledExpectation(
            rule: rule,
            key: map["key"].flatMap { key($0.value) },
            event: map.text("by"),
            times: map["times"].flatMap { options.integer($0.value, in: 1...10_000, what: "'times'") },
            span: entry.value.span
        )
    }

    /// A value, or a list of them.
    private func key(_ node: Node) -> RuleTest.Key? {
        let nodes = node.items ?? [node]
        guard nodes.allSatisfy({ $0.scalar != nil }) else {
            findings.reportType("'key'", wants: "a value, or a list of values", at: node)
            return nil
        }
        return RuleTest.Key(values: nodes.map(\.json))
    }

    /// A time since the start of the test, or a time of its own.
    private func moment(_ node: Node) -> RuleTest.Moment? {
        guard let text = options.text(node, what: "'due'") else { return nil }
        if let duration = Duration(text: text) { return .offset(duration) }
        if let date = Date(rfc3339: text) { return .time(date) }
        let forms = "a time since the start of the test, such as 3d, or a time such as 2026-01-31T09:00:00Z"
        findings.report(.wrongType, "'due' must be \(forms), not '\(text)'", at: node.span)
        return nil
    }
}
