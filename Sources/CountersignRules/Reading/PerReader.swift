import CountersignCore
import Foundation

/// Reads `per`: a path, a list of paths, or `rule`.
struct PerReader {
    /// Reads the paths.
    let conditions: ConditionReader

    /// The condition on the events that are counted; nil where it has errors.
    let condition: Condition?

    private var findings: Findings { conditions.findings }

    /// The `per` of a map, or what it is without one; nil where it has errors.
    func per(_ entry: Node.Entry?, default fallback: Per) -> Per? {
        entry.map { per($0.value) } ?? fallback
    }

    /// What a `per` says.
    func per(_ node: Node) -> Per? {
        if node.scalar?.text == "rule" { return .rule }
        let nodes = node.items ?? [node]
        guard !nodes.isEmpty, node.entries == nil, nodes.allSatisfy({ $0.scalar != nil && !$0.isNull }) else {
            findings.reportType("'per'", wants: "a path, a list of paths, or 'rule'", at: node)
            return nil
        }
        let paths = nodes.compactMap { path($0) }
        return paths.count == nodes.count ? .paths(paths) : nil
    }

    /// A path whose values distinguish keys.
    func path(_ node: Node) -> ConditionPath? {
        guard let text = node.scalar?.text else {
            findings.reportType("a path", wants: "a text, such as packageId", at: node)
            return nil
        }
        if text == "event" || text == "rule" {
            let advice =
                text == "event" ? "write 'name' for the event's name" : "'rule' cannot be combined with paths"
            findings.report(.badPath, advice, at: node.span)
            return nil
        }
        let before = findings.diagnostics.count
        guard let path = conditions.path(text, at: node.span, in: node) else { return nil }
        if findings.diagnostics.count == before { warnOfAbsence(of: path, text, at: node.span) }
        return path
    }

    /// The `per` of `after` and `seen`, whose events are found by their package or by their names.
    ///
    /// `names` is whether `word` names the events exactly.
    func findable(_ entry: Node.Entry?, names: Bool, word: String) -> Per? {
        guard let entry else { return .package }
        guard let per = per(entry.value) else { return nil }
        if per.holdsPackage { return per }
        guard per == .rule else {
            let message =
                "'per' must be 'packageId', a list with 'packageId' in it, or 'rule', as earlier events are found by package or "
                + "by name"
            findings.report(.badKey, message, at: entry.value.span)
            return nil
        }
        guard names else {
            let message = "with 'per: rule', '\(word)' must name its events exactly, as in 'event: [PACKAGE_COMPLETE]'"
            findings.report(.badKey, message, at: entry.value.span)
            return nil
        }
        return per
    }

    private func warnOfAbsence(of path: ConditionPath, _ text: String, at span: SourceSpan) {
        guard let name = condition?.eventWithout(path) else { return }
        let message = "'\(text)' may be absent in \(name); all events without it have the same key"
        findings.report(.absentKey, message, at: span)
    }
}

extension Condition {
    /// An event for which the condition can hold although the value at `path` is absent; nil where none is known.
    fileprivate func eventWithout(_ path: ConditionPath) -> String? {
        guard path.root == .subject, case .key(let field)? = path.path.components.first else { return nil }
        let context = EvaluationContext(subject: [:], eventName: "", origin: .callback, now: .distantPast)
        func canHold(forEvent name: String) -> Bool {
            partialResult { test in
                switch test {
                case .event(let event): event.holds(for: name)
                case .field(let field) where field.path == path: field.test.holds(for: nil, in: context)
                default: nil
                }
            } != false
        }
        let names = namedEvents.sorted() + EventCatalogue.names.filter { !namedEvents.contains($0) }
        return names.first { EventCatalogue.maySend($0, without: field) && canHold(forEvent: $0) }
    }
}

extension EventCatalogue {
    /// Whether an event of this name is known to come without a field at times; false where nothing is known of it.
    fileprivate static func maySend(_ name: String, without field: String) -> Bool {
        if let event = SystemEvent(rawValue: name) { return !event.fieldNames.contains(field) }
        if let event = RuleEvent(rawValue: name) { return !event.fieldNames.contains(field) }
        guard let entry = entries.first(where: { $0.name == name }), fields.contains(field) else { return false }
        return !["name", "packageId", "sessionUser", "createdDate"].contains(field)
            && !entry.extraFields.contains(field)
    }
}
