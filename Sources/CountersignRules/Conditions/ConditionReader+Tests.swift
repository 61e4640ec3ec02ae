import CountersignCore

extension ConditionReader {
    /// Reads what is behind a path: a scalar, a list, or a map of operators.
    func test(_ node: Node) -> ValueTest? {
        switch node.content {
        case .scalar(let scalar):
            let sample = Sample(scalar.json, ignoresCase: false)
            return ValueTest(parts: [.init(test: Equals(sample), text: node.flow, argument: scalar.json)])
        case .sequence(let items): return members(items, node)
        case .mapping(let entries): return operators(entries, node)
        }
    }

    private func members(_ items: [Node], _ node: Node) -> ValueTest? {
        if items.allSatisfy({ $0.scalar != nil }) {
            let samples = items.map { Sample($0.json, ignoresCase: false) }
            return ValueTest(parts: [.init(test: In(samples), text: node.flow, argument: node.json)])
        }
        let tests = items.compactMap { item in
            guard item.items == nil else {
                findings.reportType("an item of this list", wants: "a plain value or a map of operators", at: item)
                return ValueTest?.none
            }
            return test(item)
        }
        guard tests.count == items.count else { return nil }
        return ValueTest(parts: [.init(test: AnyTest(tests: tests), text: node.flow, argument: node.json)])
    }

    private func operators(_ entries: [Node.Entry], _ node: Node) -> ValueTest? {
        let modifier = entries.first { $0.key == Operators.ignoreCase.name }
        let ignoresCase = modifier.map { OptionReader(findings: findings).boolean($0.value, what: "'ignore_case'") }
        let tests = entries.filter { $0.key != Operators.ignoreCase.name }
        let knowsCase = tests.contains { Operators.named($0.key)?.declaration.knowsCase ?? false }
        if let modifier, !knowsCase {
            let names = Operators.declarations.filter(\.knowsCase).map(\.name).listed
            let message = "'ignore_case' requires one of \(names)"
            findings.report(.idleModifier, message, at: modifier.keySpan)
        }
        let parts = tests.compactMap { part($0, ignoresCase: (ignoresCase ?? false) ?? false) }
        guard parts.count == tests.count, ignoresCase != .some(nil), modifier == nil || knowsCase else { return nil }
        warnOfComplement(among: tests, at: node)
        return ValueTest(parts: parts)
    }

    private func part(_ entry: Node.Entry, ignoresCase: Bool) -> ValueTest.Part? {
        guard let kind = Operators.named(entry.key) else {
            let near =
                Self.otherNames[entry.key.lowercased()] ?? Suggestion.nearest(to: entry.key, among: Operators.names)
            let rest = near.map { "did you mean '\($0)'?" } ?? "there are \(Operators.names.listed)"
            findings.report(.unknownOperator, "there is no operator '\(entry.key)'; \(rest)", at: entry.keySpan)
            return nil
        }
        let isFolded = ignoresCase && kind.declaration.knowsCase
        let argument = OperatorArgument(node: entry.value, name: entry.key, ignoresCase: isFolded, reader: self)
        let text = "\(entry.key): \(entry.value.flow)" + (isFolded ? ", ignore_case: true" : "")
        return kind.init(argument)
            .map { ValueTest.Part(test: $0, text: text, argument: entry.value.json, ignoresCase: isFolded) }
    }

    /// What other languages call the operators.
    private static let otherNames = [
        "eq": "equals", "is": "equals", "==": "equals", "ne": "not", "!=": "not", "neq": "not", "not_equals": "not",
        "regex": "matches", "regexp": "matches", "match": "matches", "starts_with": "prefix", "startswith": "prefix",
        "ends_with": "suffix", "endswith": "suffix", "like": "glob", "wildcard": "glob", "ge": "gte", "le": "lte",
        ">": "gt", ">=": "gte", "<": "lt", "<=": "lte", "above": "gt", "below": "lt", "present": "exists",
        "size": "length", "count": "length", "anything-but": "not", "equals-ignore-case": "ignore_case",
    ]

    private func warnOfComplement(among entries: [Node.Entry], at node: Node) {
        guard let negation = entries.first(where: { $0.key == "not" }) else { return }
        let others = Node(content: .mapping(entries.filter { $0.key != "not" }), span: node.span)
        guard negation.value.canonical == others.canonical else { return }
        findings.report(
            .constantCondition,
            "this is never true: a test and its opposite are combined",
            at: negation.keySpan
        )
    }

    // MARK: Items

    /// Reads the test of an array's items: operators where all keys are operators, else a condition map.
    func itemTest(_ node: Node, of name: String) -> ItemTest? {
        let inner = ConditionReader(findings: findings, setting: .item, references: references)
        guard let entries = node.entries else { return inner.test(node).map { .value($0) } }
        let kinds = Set(entries.map { Self.isOperator($0) })
        guard kinds.count < 2 else {
            let path = entries.first { Self.isOperator($0) }
            let message =
                "operators and paths are mixed; write 'payload.\(path?.key ?? "x")' for the item's field"
            findings.report(.mixedTest, message, at: path?.keySpan ?? node.span)
            return nil
        }
        if kinds.contains(true) { return inner.test(node).map { .value($0) } }
        return inner.condition(node, what: "the argument of '\(name)'").map { .condition($0) }
    }

    /// Whether an entry reads as an operator; `not` is one where its argument is a test.
    private static func isOperator(_ entry: Node.Entry) -> Bool {
        guard entry.key == "not" else { return Operators.names.contains(entry.key) }
        return entry.value.entries.map { $0.allSatisfy { isOperator($0) } } ?? true
    }
}
