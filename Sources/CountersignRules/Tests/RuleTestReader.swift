import CountersignCore
import Foundation

/// Reads one entry of `tests`; a method that returns nil has reported why.
struct RuleTestReader {
    let findings: Findings

    /// The steps of all rules of all files, by the rules' ids.
    let steps: [String: Set<String>]

    /// Whether `steps` has every rule; where a file could not be read, a rule that is not there is no finding.
    let knowsAllRules: Bool

    var options: OptionReader { OptionReader(findings: findings) }

    func test(_ node: Node) -> RuleTest? {
        guard let map = MapReader(node, what: "a test", keys: RuleKeys.test, findings: findings) else { return nil }
        let before = findings.diagnostics.count
        let nameEntry = map.required("name")
        let name = nameEntry.flatMap { options.text($0.value, what: "'name'") }
        let start = map["at"].flatMap { time($0.value) }
        let configured = map.list("configured", of: "names")?.compactMap(configuredName)
        let until = map["until"].flatMap { options.duration($0.value, what: "'until'") }
        let sends =
            map["until"] == nil && map.required("send") == nil ? [] : map.list("send", of: "events")?.compactMap(send)
        let mocks = map.list("mock", of: "mocked steps")?.compactMap(mock)
        let expectations = map.list("expect", of: "expected runs")?.compactMap(expectation)
        let silentRules = map.list("expect_none", of: "rules")?.compactMap(ruleID)
        let pending = map.list("expect_pending", of: "what is open")?.compactMap(self.pending)
        let cancelled = map.list("expect_cancelled", of: "what is cancelled")?.compactMap(self.cancelled)
        if !map.entries.contains(where: { $0.key.hasPrefix("expect") }) { _ = map.required("expect") }
        guard findings.diagnostics.dropFirst(before).allSatisfy({ $0.severity == .warning }) else { return nil }
        guard let name, let nameEntry else { return nil }
        return RuleTest(
            name: name,
            start: start,
            configured: Configured(Set(configured ?? [])),
            sends: sends ?? [],
            until: until,
            expectations: expectations ?? [],
            silentRules: silentRules ?? [],
            pending: pending ?? [],
            cancelled: cancelled ?? [],
            mocks: mocks ?? [],
            file: findings.source.path,
            span: nameEntry.value.span
        )
    }

    private func time(_ node: Node) -> Date? {
        if let text = options.text(node, what: "'at'") {
            if let date = Date(rfc3339: text) { return date }
            findings.report(
                .wrongType,
                "'at' must be a time such as 2026-01-31T09:00:00Z, not '\(text)'",
                at: node.span
            )
        }
        return nil
    }

    /// The name of a setting or a secret that can be asked for.
    private func configuredName(_ node: Node) -> String? {
        guard let name = options.text(node, what: "an item of 'configured'") else { return nil }
        guard let fault = Configured.fault(of: name) else { return name }
        findings.report(.unknownPath, fault, at: node.span)
        return nil
    }

    /// A rule's id that some file knows.
    func ruleID(_ node: Node) -> String? {
        guard let id = options.text(node, what: "a rule's id") else { return nil }
        guard steps[id] == nil, knowsAllRules else { return id }
        let near = Suggestion.clause(for: id, among: steps.keys.sorted())
        findings.report(.unknownRule, "there is no rule '\(id)'\(near)", at: node.span)
        return nil
    }

    /// The id of a step that the rule has.
    func stepID(_ node: Node, of rule: String) -> String? {
        guard let id = options.text(node, what: "a step's id") else { return nil }
        guard let known = steps[rule], !known.contains(id) else { return id }
        let near = Suggestion.clause(for: id, among: known.sorted())
        let rest = near.isEmpty ? "; it has \(known.sorted().listed)" : near
        findings.report(.unknownStep, "the rule '\(rule)' has no step '\(id)'\(rest)", at: node.span)
        return nil
    }

    // MARK: What is sent

    /// An event: its payload, or a map that holds the payload and says when and how it is sent.
    private func send(_ node: Node) -> RuleTest.Send? {
        guard let payload = node.entries?.first(where: { $0.key == "payload" }) else { return event(node) }
        guard let map = MapReader(node, what: "an event to send", keys: RuleKeys.send, findings: findings) else {
            return nil
        }
        let delay = map["after"].flatMap { options.duration($0.value, what: "'after'") }
        let origin = map["origin"]
            .flatMap { entry in
                options.choice(entry.value, of: Event.Origin.allCases.map(\.rawValue), what: "'origin'")
            }
        let package = map["package"]
            .flatMap { entry in
                if entry.value.entries == nil { findings.reportType("'package'", wants: "a map", at: entry.value) }
                return entry.value.json
            }
        return event(payload.value, origin: origin.flatMap(Event.Origin.init), delay: delay, package: package)
    }

    private func event(
        _ node: Node,
        origin: Event.Origin? = nil,
        delay: Duration? = nil,
        package: JSON? = nil
    ) -> RuleTest.Send? {
        guard let entries = node.entries else {
            findings.reportType("an event to send", wants: "a map of payload fields", at: node)
            return nil
        }
        guard let entry = entries.first(where: { $0.key == "name" }) else {
            let place = entries.first?.keySpan ?? node.span
            findings.report(.missingKey, "an event needs the field 'name', such as PACKAGE_COMPLETE", at: place)
            return nil
        }
        guard case .string(let name) = entry.value.json else {
            findings.reportType("an event's 'name'", wants: "a string", at: entry.value)
            return nil
        }
        return RuleTest.Send(
            name: name,
            payload: node.json,
            origin: origin ?? EventCatalogue.origin(of: name),
            package: package,
            delay: delay ?? .zero
        )
    }

    private func mock(_ node: Node) -> RuleTest.Mock? {
        guard let map = MapReader(node, what: "a mocked step", keys: RuleKeys.mock, findings: findings) else {
            return nil
        }
        let rule = map.required("rule").flatMap { ruleID($0.value) }
        let step = map.required("step").flatMap { stepID($0.value, of: rule ?? "") }
        if let output = map["output"], map["fail"] != nil {
            let message = "'output' cannot be combined with 'fail'; give only one"
            findings.report(.exclusiveOptions, message, at: output.keySpan)
            return nil
        }
        guard let result = mockedResult(map), let rule, let step else { return nil }
        return RuleTest.Mock(rule: rule, step: step, result: result)
    }

    private func mockedResult(_ map: MapReader) -> RuleTest.Mock.Result? {
        if let fail = map["fail"] { return options.text(fail.value, what: "'fail'").map { .fail($0) } }
        guard let output = map.required("output") else { return nil }
        guard case .object(let object) = output.value.json else {
            findings.reportType("'output'", wants: "a map of outputs", at: output.value)
            return nil
        }
        return .output(object)
    }
}
