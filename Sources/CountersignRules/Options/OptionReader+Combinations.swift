import CountersignCore

/// Options that go together, and those that exclude each other.
extension OptionReader {
    /// Reports options of an action of which exactly one must be given, and those that need another one.
    func checkCombination(of entries: [Node.Entry], _ action: ActionDeclaration, at owner: Owner) {
        for group in action.exactlyOneOf {
            let given = entries.filter { group.contains($0.key) }
            let isMisspelt = entries.contains { entry in
                Suggestion.nearest(to: entry.key, among: action.fields.map(\.key)).map { group.contains($0) } == true
                    && !action.fields.contains { $0.key == entry.key }
            }
            if given.isEmpty, !isMisspelt {
                let message = "\(owner.name) needs one of the options \(group.listedAsChoice)"
                findings.report(.missingOption, message, at: owner.span)
            }
            if let first = given.first, let second = given.dropFirst().first {
                let message = "'\(second.key)' cannot be combined with '\(first.key)'; give only one"
                findings.report(.exclusiveOptions, message, at: second.keySpan)
            }
        }
        for (key, needed) in action.dependencies where !entries.contains(where: { $0.key == needed }) {
            guard let entry = entries.first(where: { $0.key == key }) else { continue }
            findings.report(.missingOption, "'\(key)' needs the option '\(needed)'", at: entry.keySpan)
        }
    }

    /// A map with exactly one of some options.
    func oneOf(_ node: Node, _ fields: [FieldDeclaration], what: String) -> Options? {
        guard let entries = node.entries else {
            findings.reportType(what, wants: "a map with one of \(fields.map(\.key).listedAsChoice)", at: node)
            return nil
        }
        guard let first = entries.first else {
            let message = "\(what) needs one of the options \(fields.map(\.key).listedAsChoice)"
            findings.report(.missingOption, message, at: node.span)
            return nil
        }
        if let second = entries.dropFirst().first {
            let message = "'\(second.key)' cannot be combined with '\(first.key)'; give only one"
            findings.report(.exclusiveOptions, message, at: second.keySpan)
        }
        return options(entries, fields, of: Owner(name: what, span: node.span))
    }

    /// A map whose keys the user chooses; under each a template, or options.
    func entries(
        _ node: Node,
        in place: EncodingContext,
        _ fields: [FieldDeclaration],
        what: String
    ) -> [OptionValue.NamedEntry]? {
        guard let entries = node.entries else {
            findings.reportType(what, wants: "a map of names to texts or options", at: node)
            return nil
        }
        let read = entries.compactMap { entry -> OptionValue.NamedEntry? in
            if let inner = entry.value.entries {
                let owner = Owner(name: "'\(entry.key)'", span: entry.keySpan)
                return .init(name: entry.key, content: .options(options(inner, fields, of: owner)))
            }
            return template(entry.value, in: place, what: "'\(entry.key)'")
                .map { .init(name: entry.key, content: .template($0)) }
        }
        return read.count == entries.count ? read : nil
    }

    /// A list of maps, one alone, or a word.
    func maps(_ node: Node, _ fields: [FieldDeclaration], orWord words: [String], what: String) -> OptionValue? {
        if node.entries != nil { return .maps([options(node, fields, of: Owner(name: what, span: node.span))]) }
        if let items = node.items {
            guard !items.isEmpty else {
                findings.report(.missingOption, "\(what) is an empty list", at: node.span)
                return nil
            }
            let maps = items.enumerated()
                .map { index, item in
                    options(item, fields, of: Owner(name: "entry \(index + 1) of \(what)", span: item.span))
                }
            return .maps(maps)
        }
        guard !words.isEmpty else {
            findings.reportType(what, wants: "a map of options, or a list of them", at: node)
            return nil
        }
        guard node.scalar != nil else {
            findings.reportType(what, wants: "\(words.listedAsChoice), or a list of maps", at: node)
            return nil
        }
        return choice(node, of: words, what: what).map { .text($0) }
    }

    /// A text of a form.
    func formed(_ node: Node, _ form: TextForm, what: String) -> String? {
        guard let text = text(node, what: what) else { return nil }
        guard let fault = form.fault(text) else { return text }
        findings.report(.badForm, "\(what) \(fault)", at: node.span)
        return nil
    }

    /// The name of a destination; one that the settings do not define is a warning, since they may be another deployment's.
    func destination(_ node: Node, _ known: DestinationNames?, what: String) -> Template? {
        guard let template = template(node, in: .destination, what: what) else { return nil }
        if let name = template.literal, let fault = known?.fault(of: name) {
            findings.report(.unknownDestination, fault, at: node.span)
        }
        if template.literal == nil, let known, known.selectable.isEmpty {
            let message =
                "no destination may be chosen by the data of a package; set 'selectable: true' for those that may"
            findings.report(.unknownDestination, message, at: node.span)
        }
        return template
    }
}
