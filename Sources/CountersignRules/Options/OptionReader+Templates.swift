import CountersignCore

extension OptionReader {
    func template(_ node: Node, in place: EncodingContext, what: String) -> Template? {
        guard let text = text(node, what: what) else { return nil }
        return template(text, at: node, in: place)
    }

    private func template(_ text: String, at node: Node, in place: EncodingContext) -> Template? {
        let (template, faults) = Template.reading(text)
        for expression in template.expressions { onExpression(expression, span(of: expression, in: node)) }
        for fault in faults {
            let code = DiagnosticCode(rawValue: fault.code) ?? .badTemplate
            let word = text.dropFirst(fault.offset).prefix { !" |}'\"".contains($0) }
            let span = findings.source.span(of: node, at: fault.offset, length: max(1, word.count))
            findings.report(code, fault.message, at: span)
        }
        guard faults.isEmpty else { return nil }
        if let problem = place.problem(of: template) {
            findings.report(.badPlace, problem.message, at: span(of: problem.expression, in: node))
            return nil
        }
        guard let fault = place.fault(in: template) else { return template }
        findings.report(place == .url ? .badURL : .badPlace, fault, at: node.span)
        return nil
    }

    private func span(of expression: Template.Expression, in node: Node) -> SourceSpan {
        findings.source.span(of: node, at: expression.offset, length: expression.length)
    }

    func templates(_ node: Node, in place: EncodingContext, what: String) -> [OptionValue.NamedTemplate]? {
        guard let entries = node.entries else {
            findings.reportType(what, wants: "a map of names to texts", at: node)
            return nil
        }
        var names: Set<String> = []
        let read = entries.compactMap { entry -> OptionValue.NamedTemplate? in
            var fault = place.fault(ofName: entry.key)
            // The names of headers are the same in capitals (RFC 9110, section 5.1); both would be sent.
            if place == .header, !names.insert(entry.key.lowercased()).inserted {
                fault = "the header '\(entry.key)' is already set, with different case"
            }
            if let fault {
                findings.report(place == .header ? .badHeaderName : .badVariableName, fault, at: entry.keySpan)
            }
            let read = template(entry.value, in: place, what: "'\(entry.key)'")
            return fault == nil ? read.map { OptionValue.NamedTemplate(name: entry.key, template: $0) } : nil
        }
        return read.count == entries.count ? read : nil
    }

    /// A text, or a list of texts of which there is at least one.
    func templateList(_ node: Node, in place: EncodingContext, what: String) -> [Template]? {
        guard let items = node.items else { return template(node, in: place, what: what).map { [$0] } }
        guard !items.isEmpty else {
            findings.report(
                .outOfRange,
                "\(what) is an empty list; remove it, or add \(place == .mailAddress ? "a recipient" : "an item")",
                at: node.span
            )
            return nil
        }
        let read = items.compactMap { template($0, in: place, what: "an item of \(what)") }
        return read.count == items.count ? read : nil
    }

    func arguments(_ node: Node, what: String) -> [Template]? {
        guard let items = node.items else {
            findings.reportType(
                what,
                wants: "a list of the program and its arguments, such as [./bin/send, --now]",
                at: node
            )
            return nil
        }
        guard let program = items.first else {
            findings.report(.outOfRange, "\(what) is empty; it must name a program", at: node.span)
            return nil
        }
        let read = items.compactMap { template($0, in: .argument, what: "an item of \(what)") }
        guard read.count == items.count else { return nil }
        guard let name = read.first?.literal else {
            let message = "the program (the first item of \(what)) must be literal, without '${…}'"
            findings.report(.badPlace, message, at: program.span)
            return nil
        }
        guard !name.isEmpty else {
            findings.report(.emptyText, "the program (the first item of \(what)) is empty", at: program.span)
            return nil
        }
        let scripts = ScriptArgument.all(in: read)
        for script in scripts {
            findings.report(.valueInScript, script.message, at: span(of: script.expression, in: items[script.index]))
        }
        return scripts.isEmpty ? read : nil
    }

    /// Any value; a string with `${…}` in it becomes a template.
    func json(_ node: Node, in place: EncodingContext = .text) -> JSONTemplate? {
        switch node.content {
        case .scalar(let scalar):
            guard case .string(let text) = scalar.json else { return .literal(scalar.json) }
            return template(text, at: node, in: place)
                .map { template in
                    template.literal.map { .literal(.string($0)) } ?? .template(template)
                }
        case .sequence(let nodes):
            let items = nodes.compactMap { json($0, in: place) }
            return items.count == nodes.count ? .array(items) : nil
        case .mapping(let entries):
            let members = entries.compactMap { entry in
                json(entry.value, in: place).map { JSONTemplate.Member(key: entry.key, value: $0) }
            }
            return members.count == entries.count ? .object(members) : nil
        }
    }

    // MARK: Scripts

    /// A script for `/bin/sh`, in which `${…}` belongs to the shell.
    ///
    /// `${event.message}` and `${secret:KEY}` mean nothing to a shell, and here they would put a stranger's text into a
    /// script; so a name followed by a dot or by a colon that is no default (`:-`, `:=`, `:?`, `:+`) is refused.
    func script(_ node: Node, what: String) -> String? {
        guard let text = text(node, what: what) else { return nil }
        guard text.utf8.count <= EncodingContext.longestForProgram else {
            let sizes = "\(text.utf8.count) bytes, and the limit of a shell is \(EncodingContext.longestForProgram)"
            findings.report(.outOfRange, "\(what) has \(sizes); put it in a file and run that", at: node.span)
            return nil
        }
        guard !text.utf8.contains(0) else {
            findings.report(.outOfRange, "\(what) contains a NUL, which cannot be passed to a shell", at: node.span)
            return nil
        }
        let characters = Array(text)
        var isClean = true
        for start in characters.indices.dropLast(2) where characters[start] == "$" && characters[start + 1] == "{" {
            let name = characters[(start + 2)...].prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
            let behind = start + 2 + name.count
            guard !name.isEmpty, behind < characters.count, Self.isForeign(characters[behind...]) else { continue }
            isClean = false
            let inner = characters[(start + 2)...].prefix { $0 != "}" && !$0.isLineEnd }
            findings.report(
                .valueInScript,
                "a script receives values as environment variables, never as text; \(Self.advice(String(inner)))",
                at: findings.source.span(of: node, at: start, length: inner.count + 3)
            )
        }
        return isClean ? text : nil
    }

    private static func isForeign(_ text: ArraySlice<Character>) -> Bool {
        switch text.first {
        case ".": true
        case ":": text.dropFirst().first.map { !"-=?+".contains($0) } ?? true
        default: false
        }
    }

    private static func advice(_ reference: String) -> String {
        if let variable = EventVariable.all.first(where: { $0.reference == reference }) {
            return "write \"$\(variable.name)\" instead of ${\(reference)}"
        }
        return "put 'VALUE: \"${\(reference)}\"' under 'env' and write \"$VALUE\" here"
    }
}
