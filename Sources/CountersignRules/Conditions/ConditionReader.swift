import CountersignCore

/// Reads the condition maps of `when` and `if`.
///
/// A method that returns nil has reported why.
struct ConditionReader {
    /// Where a condition stands, and so what its paths start in.
    enum Setting {
        /// In `when`: the payload.
        case rule
        /// In a step's `if`: `event` and `steps`.
        case step
        /// In `any_item` or `every_item`: the item.
        case item
        /// In `seen` or `unless`: the payload of an event that is looked back at, whose package is not known.
        case stored
    }

    let findings: Findings
    let setting: Setting
    let references: ReferenceChecker

    /// The word that a path belongs to, in findings.
    var owner = "'when'"

    /// The keys of a condition map that are no paths.
    private static let reservedWords = ["event", "origin", "account", "all", "any", "not", "seen", "package", "signer"]

    /// Reads a condition map.
    func condition(_ node: Node, what: String) -> Condition? {
        guard let entries = node.entries else {
            findings.reportType(what, wants: "a map of conditions, such as {event: PACKAGE_COMPLETE}", at: node)
            return nil
        }
        let conditions = entries.compactMap { entry in
            watchingConstants(at: entry.keySpan) { condition(of: entry) }
        }
        guard conditions.count == entries.count else { return nil }
        return conditions.count == 1 ? conditions[0] : .all(conditions)
    }

    /// Reads a condition map that means itself, as in `when`, and warns where it is constant.
    func root(_ node: Node, what: String, at span: SourceSpan) -> Condition? {
        watchingConstants(at: span) { condition(node, what: what) }
    }

    private func condition(of entry: Node.Entry) -> Condition? {
        switch entry.key {
        case "event": EventReader(findings: findings).eventTest(entry.value)
        case "origin": EventReader(findings: findings).originTest(entry.value)
        case "all": list(entry).map { .all($0) }
        case "any": list(entry).map { .any($0) }
        case "not": condition(entry.value, what: "'not'").map { .not($0) }
        case "seen" where setting == .rule: SeenReader(findings: findings).seen(entry)
        case "seen" where setting == .stored, "schedule" where isOfEvent, "every" where isOfEvent: misplaced(entry)
        default: field(entry)
        }
    }

    /// Whether it is about an event, whose payload its paths start in.
    private var isOfEvent: Bool { setting == .rule || setting == .stored }

    private func misplaced(_ entry: Node.Entry) -> Condition? {
        let place =
            entry.key == "seen"
            ? "inside \(owner), which looks at one event at a time" : "here; it must be the only condition in 'when'"
        let message = "'\(entry.key)' is not available \(place) (a payload field is 'payload.\(entry.key)')"
        findings.report(.misplacedKey, message, at: entry.keySpan)
        return nil
    }

    private func list(_ entry: Node.Entry) -> [Condition]? {
        guard let items = entry.value.items else {
            findings.reportType("'\(entry.key)'", wants: "a list of condition maps", at: entry.value)
            return nil
        }
        let conditions = items.compactMap { item in
            watchingConstants(at: item.span) { condition(item, what: "an item of '\(entry.key)'") }
        }
        warnOfComplements(among: items, in: entry)
        return conditions.count == items.count ? conditions : nil
    }

    /// Warns where one condition and its very opposite are in a list.
    private func warnOfComplements(among items: [Node], in entry: Node.Entry) {
        let texts = Set(items.map(\.canonical))
        let opposite = items.first { item in
            guard let inner = item.entries?.first, item.entries?.count == 1, inner.key == "not" else { return false }
            return texts.contains(inner.value.canonical)
        }
        guard let opposite else { return }
        let frequency = entry.key == "any" ? "always" : "never"
        let message = "this is \(frequency) true: a condition and its opposite are in the same '\(entry.key)'"
        findings.report(.constantCondition, message, at: opposite.span)
    }

    private func field(_ entry: Node.Entry) -> Condition? {
        guard let path = path(entry.key, at: entry.keySpan) else {
            _ = test(entry.value)
            return nil
        }
        guard let test = test(entry.value) else { return nil }
        warnOfUnknownStatus(path, test, entry)
        return .field(FieldTest(path: path, written: entry.key, test: test))
    }

    /// Warns where the status of a step is held against a word that it never is.
    private func warnOfUnknownStatus(_ path: ConditionPath, _ test: ValueTest, _ entry: Node.Entry) {
        guard setting == .step, path.path.components.count == 3, path.path.components.last == .key("status"),
            path.path.components.first == .key("steps"), let word = test.word(outside: Self.statuses)
        else { return }
        let near = Suggestion.nearest(to: word, among: Self.statuses).map { "; did you mean '\($0)'?" }
        let message = "a step's status is never '\(word)'\(near ?? "; it is \(Self.statuses.listedAsChoice)")"
        findings.report(.constantCondition, message, at: entry.value.span)
    }

    private static let statuses = ["succeeded", "failed", "skipped"]

    /// Runs `read` and warns where what it read is constant, unless a part of it was reported already.
    private func watchingConstants(at span: SourceSpan, _ read: () -> Condition?) -> Condition? {
        let before = findings.diagnostics.count
        guard let condition = read() else { return nil }
        guard let value = condition.constantValue,
            !findings.diagnostics.dropFirst(before)
                .contains(where: { $0.code == DiagnosticCode.constantCondition.rawValue })
        else { return condition }
        let sentence = value ? "this condition is always true; remove it" : "this condition can never be true"
        findings.report(.constantCondition, sentence, at: span)
        return condition
    }

    // MARK: Paths

    /// Reads a path and sees to it that it starts where paths of this setting start.
    func path(_ text: String, at span: SourceSpan, in node: Node? = nil) -> ConditionPath? {
        let path: JSONPath
        do {
            path = try JSONPath(parsing: text)
        } catch {
            let place = node.map { findings.source.span(of: $0, at: error.offset, length: 1) } ?? span
            findings.report(.badPath, "'\(text)' is not a path: \(error.description)", at: place)
            return nil
        }
        let rest = JSONPath(Array(path.components.dropFirst()))
        for (word, root) in [("package", ConditionPath.Root.package), ("signer", .signer)]
        where setting != .item && path.components.first == .key(word) && !rest.components.isEmpty {
            guard setting != .stored else {
                let message =
                    "\(owner) looks at stored events, of which no package is known; it takes payload fields only"
                findings.report(.badPath, message, at: span)
                return nil
            }
            references.check(root == .package ? .package(rest) : .signer(rest), at: span)
            return ConditionPath(rest, in: root)
        }
        return setting == .step ? stepPath(path, text, at: span) : payloadPath(path, text, at: span)
    }

    private func payloadPath(_ path: JSONPath, _ text: String, at span: SourceSpan) -> ConditionPath? {
        var components = path.components
        switch components.first {
        case .key("payload"):
            components.removeFirst()
            guard !components.isEmpty else {
                findings.report(.badPath, "'payload' needs a key, such as payload.message", at: span)
                return nil
            }
        case .key("event") where components.count > 1, .key("steps") where components.count > 1 && isOfEvent:
            let rest = JSONPath(Array(components.dropFirst()))
            let advice = components[0] == .key("event") ? "write '\(rest)'" : "no step has run yet"
            findings.report(.badPath, "a path of \(owner) starts in the payload; \(advice)", at: span)
            return nil
        default: break
        }
        if isOfEvent {
            let words = owner == "'per'" ? [] : Self.reservedWords
            references.check(.event(JSONPath(components)), at: span, where: words)
        }
        return ConditionPath(JSONPath(components))
    }

    private func stepPath(_ path: JSONPath, _ text: String, at span: SourceSpan) -> ConditionPath? {
        let rest = JSONPath(Array(path.components.dropFirst()))
        switch (path.components.first, rest.components.first) {
        case (.key("event"), .some): references.check(.event(rest), at: span)
        case (.key("steps"), .key(let id)):
            let inner = JSONPath(Array(rest.components.dropFirst()))
            references.check(.step(id: id, inner), at: span)
        case (.key("configured"), .some):
            if let fault = Configured.fault(of: "\(rest)") {
                findings.report(.unknownPath, fault, at: span)
                return nil
            }
        case (.key(let root), .key(let field)):
            guard let fact = RuleFact(rawValue: root), fact.fields.contains(field) else { fallthrough }
            references.check(.fact(fact, rest), at: span)
        default:
            let facts = references.fact.map { [$0.rawValue] } ?? []
            let roots = ["event", "steps", "package", "signer", "configured"] + facts
            let near = Suggestion.nearest(to: String(text.prefix { $0 != "." }), among: roots)
            let hint = near.map { "; did you mean '\($0).…'?" } ?? ""
            let known = roots.map { "\($0)." }.listedAsChoice
            findings.report(.badPath, "a path of 'if' begins with \(known)\(hint)", at: span)
            return nil
        }
        return ConditionPath(path)
    }

    func glob(_ text: String, at node: Node, ignoresCase: Bool) -> Glob? {
        do {
            return try Glob(text, ignoresCase: ignoresCase)
        } catch {
            let last = findings.source.span(of: node, at: text.count - 1, length: 1)
            findings.report(
                .badGlob,
                #"the pattern ends with an incomplete escape; write '\\' for a backslash"#,
                at: last
            )
            return nil
        }
    }
}
