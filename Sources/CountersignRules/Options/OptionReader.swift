import CountersignCore

/// Reads maps by their declarations and reports what does not fit.
struct OptionReader {
    let findings: Findings

    /// Told of each `${…}` that is read, and its place.
    var onExpression: (Template.Expression, SourceSpan) -> Void = { _, _ in }

    /// Told of each option that uses secrets without naming them.
    var onField: (FieldDeclaration) -> Void = { _ in }

    /// What options belong to.
    struct Owner {
        /// Its name in a finding, such as "action 'log'".
        let name: String

        /// Where a finding about what is missing points.
        let span: SourceSpan
    }

    /// Reads a map of options; what is wrong with it is reported, and what is right is returned.
    func options(_ node: Node, _ fields: [FieldDeclaration], of owner: Owner) -> Options {
        if node.isNull { return options([], fields, of: owner) }
        guard let entries = node.entries else {
            findings.reportType(owner.name, wants: "a map of options", at: node)
            return Options()
        }
        return options(entries, fields, of: owner)
    }

    func options(
        _ entries: [Node.Entry],
        _ fields: [FieldDeclaration],
        alternatives: [[String]] = [],
        of owner: Owner
    ) -> Options {
        var read: [Options.Entry] = []
        var meant: Set<String> = []
        for entry in entries {
            guard let field = fields.first(where: { $0.key == entry.key }) else {
                let near = Suggestion.nearest(to: entry.key, among: fields.map(\.key))
                let rest = near.map { "did you mean '\($0)'?" } ?? "it has \(fields.map(\.key).listed)"
                findings.report(
                    .unknownOption,
                    "\(owner.name) has no option '\(entry.key)'; \(rest)",
                    at: entry.keySpan
                )
                if let near { meant.insert(near) }
                continue
            }
            if !field.secrets.isEmpty || !field.optionalSecrets.isEmpty { onField(field) }
            if field.needsText, entry.value.scalar?.isBlank == true {
                findings.report(.emptyText, "'\(field.key)' is empty; it must be a text", at: entry.value.span)
            } else if let value = value(entry.value, field.kind, what: "'\(field.key)'") {
                read.append(Options.Entry(key: field.key, value: value))
            }
        }
        // What is only misspelt is not missing as well.
        meant.formUnion(entries.map(\.key))
        for field in fields where field.isRequired && !meant.contains(field.key) {
            findings.report(.missingOption, "\(owner.name) needs the option '\(field.key)'", at: owner.span)
        }
        for group in alternatives {
            let given = entries.filter { group.contains($0.key) }
            guard let first = given.first, let second = given.dropFirst().first else { continue }
            let message = "'\(second.key)' cannot be combined with '\(first.key)'; give only one"
            findings.report(.exclusiveOptions, message, at: second.keySpan)
        }
        return Options(read)
    }

    /// Reads the value of an option; nil where it is wrong, which has been reported.
    func value(_ node: Node, _ kind: OptionKind, what: String) -> OptionValue? {
        switch kind {
        case .template(let place): template(node, in: place, what: what).map { .template($0) }
        case .shellScript: script(node, what: what).map { .text($0) }
        case .arguments: arguments(node, what: what).map { .arguments($0) }
        case .templates(let place): templates(node, in: place, what: what).map { .templates($0) }
        case .templateList(let place): templateList(node, in: place, what: what).map { .templateList($0) }
        case .json(let place): json(node, in: place).map { .json($0) }
        case .jsonObject(let reserved): jsonObject(node, without: reserved, what: what).map { .json($0) }
        case .ownEvent: ownEvent(node, what: what).map { .text($0) }
        case .text: text(node, what: what).map { .text($0) }
        case .form(let form): formed(node, form, what: what).map { .text($0) }
        case .destination(let known): destination(node, known, what: what).map { .template($0) }
        case .choice(let words): choice(node, of: words, what: what).map { .text($0) }
        case .duration: duration(node, what: what).map { .duration($0) }
        case .size(let range): size(node, in: range, what: what).map { .size($0) }
        case .integer(let range): integer(node, in: range, what: what).map { .integer($0) }
        case .integers(let range):
            list(node, what: what, of: "whole numbers") { integer($0, in: range, what: "an item of \(what)") }
                .map { .integers($0) }
        case .texts:
            list(node, what: what, of: "texts") { text($0, what: "an item of \(what)") }.map { .texts($0) }
        case .forms(let form):
            list(node, what: what, of: "texts") { formed($0, form, what: "an item of \(what)") }.map { .texts($0) }
        case .maps(let fields, let words): maps(node, fields, orWord: words, what: what)
        case .boolean: boolean(node, what: what).map { .boolean($0) }
        case .group(let fields): group(node, fields, what: what).map { .group($0) }
        case .oneOf(let fields): oneOf(node, fields, what: what).map { .group($0) }
        case .entries(let place, let fields):
            self.entries(node, in: place, fields, what: what).map { .entries($0) }
        case .groups(let fields): groups(node, fields, what: what).map { .groups($0) }
        }
    }
}

// MARK: Plain values

extension OptionReader {
    /// A text; a number or a boolean counts as the text it is written with.
    func text(_ node: Node, what: String) -> String? {
        guard let scalar = node.scalar, scalar.json != .null else {
            findings.reportType(what, wants: "a text", at: node)
            return nil
        }
        return scalar.text
    }

    func boolean(_ node: Node, what: String) -> Bool? {
        guard case .bool(let value)? = node.scalar?.json else {
            findings.reportType(what, wants: "true or false", at: node)
            return nil
        }
        return value
    }

    func integer(_ node: Node, in range: ClosedRange<Int>, what: String) -> Int? {
        guard case .number(let number)? = node.scalar?.json else {
            findings.reportType(what, wants: "a whole number", at: node)
            return nil
        }
        guard let value = number.integer, range.contains(value) else {
            let bounds =
                range.upperBound == .max
                ? "at least \(range.lowerBound)" : "from \(range.lowerBound) to \(range.upperBound)"
            findings.report(.outOfRange, "\(what) must be a whole number \(bounds)", at: node.span)
            return nil
        }
        return value
    }

    func duration(_ node: Node, what: String) -> Duration? {
        let text = node.scalar.flatMap { $0.json == .null ? nil : $0.text }
        guard let text else {
            findings.reportType(what, wants: "a duration such as 30s", at: node)
            return nil
        }
        if let duration = Duration(text: text) { return duration }
        let hint = Duration.hint(for: text)
        let forms = "a whole number and ms, s, m, h or d, such as 30s"
        findings.report(.badDuration, "\(what) must be \(forms), not '\(text)'\(hint)", at: node.span)
        return nil
    }

    func size(_ node: Node, in range: ClosedRange<ByteSize>, what: String) -> ByteSize? {
        let text = node.scalar.flatMap { $0.json == .null ? nil : $0.text }
        guard let text else {
            findings.reportType(what, wants: "a size such as 1MiB", at: node)
            return nil
        }
        guard let size = ByteSize(text) else {
            let hint = Int64(text).map { "; did you mean '\(ByteSize(bytes: $0))'?" } ?? ""
            let forms = "a number and B, KiB, MiB, GiB, kB, MB or GB, such as 1MiB"
            findings.report(.badSize, "\(what) must be \(forms), not '\(text)'\(hint)", at: node.span)
            return nil
        }
        guard range.contains(size) else {
            let bounds = "from \(range.lowerBound) to \(range.upperBound)"
            findings.report(.outOfRange, "\(what) must be a size \(bounds)", at: node.span)
            return nil
        }
        return size
    }

    func choice(_ node: Node, of words: [String], what: String) -> String? {
        guard let text = text(node, what: what) else { return nil }
        if words.contains(text) { return text }
        let near = Suggestion.clause(for: text, among: words)
        findings.report(.badChoice, "\(what) must be \(words.listedAsChoice), not '\(text)'\(near)", at: node.span)
        return nil
    }

    private func list<Item>(_ node: Node, what: String, of items: String, _ read: (Node) -> Item?) -> [Item]? {
        guard let nodes = node.items else {
            findings.reportType(what, wants: "a list of \(items)", at: node)
            return nil
        }
        let read = nodes.compactMap(read)
        return read.count == nodes.count ? read : nil
    }

    private func group(_ node: Node, _ fields: [FieldDeclaration], what: String) -> Options? {
        guard node.entries != nil || node.isNull else {
            findings.reportType(what, wants: "a map of options", at: node)
            return nil
        }
        return options(node, fields, of: Owner(name: what, span: node.span))
    }

    private func groups(_ node: Node, _ fields: [FieldDeclaration], what: String) -> [OptionValue.NamedOptions]? {
        guard let entries = node.entries else {
            findings.reportType(what, wants: "a map of names to options", at: node)
            return nil
        }
        return entries.map { entry in
            let owner = Owner(name: "'\(entry.key)'", span: entry.keySpan)
            return OptionValue.NamedOptions(name: entry.key, options: options(entry.value, fields, of: owner))
        }
    }
}

extension FieldDeclaration {
    /// Whether the option means nothing without a text.
    fileprivate var needsText: Bool {
        switch kind {
        case .shellScript: true
        case .template(.text), .template(.message), .template(.mailHeader): isRequired
        default: false
        }
    }
}

extension Node.Scalar {
    /// Whether it is a text of nothing but white space.
    fileprivate var isBlank: Bool { json != .null && text.allSatisfy(\.isWhitespace) }
}

extension [String] {
    /// The words in quotes, the last one behind "and".
    var listed: String { joined("and") }

    /// The words in quotes, the last one behind "or".
    var listedAsChoice: String { joined("or") }

    private func joined(_ word: String) -> String {
        let quoted = map { "'\($0)'" }
        guard let last = quoted.last else { return "none" }
        return quoted.count == 1 ? last : quoted.dropLast().joined(separator: ", ") + " \(word) " + last
    }
}
