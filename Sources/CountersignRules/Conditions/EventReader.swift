import CountersignCore

/// Reads the tests of an event's name and origin.
struct EventReader {
    let findings: Findings

    func eventTest(_ node: Node) -> Condition? {
        guard let items = words(node, what: "'event'", hint: "a name, a list of names, or a pattern such as PACKAGE_*")
        else { return nil }
        var names: Set<String> = []
        var globs: [Glob] = []
        for (text, item) in items {
            guard Glob.isPattern(text) else {
                names.insert(text)
                warn(ofName: text, at: item)
                continue
            }
            guard let glob = try? Glob(text) else {
                findings.report(.badGlob, #"the pattern ends with an incomplete escape"#, at: item.span)
                return nil
            }
            globs.append(glob)
            warn(ofPattern: glob, at: item)
        }
        return .event(EventTest(names: names, globs: globs, patterns: items.map(\.text), text: node.flow))
    }

    func originTest(_ node: Node) -> Condition? {
        let known = Event.Origin.allCases.map(\.rawValue)
        guard let items = words(node, what: "'origin'", hint: known.listedAsChoice) else { return nil }
        let origins = items.compactMap { text, item in
            let origin = Event.Origin(rawValue: text)
            if origin == nil {
                let near = Suggestion.clause(for: text, among: known)
                findings.report(.badChoice, "'origin' is \(known.listedAsChoice), not '\(text)'\(near)", at: item.span)
            }
            return origin
        }
        return origins.count == items.count ? .origin(OriginTest(origins: origins, text: node.flow)) : nil
    }

    private func words(_ node: Node, what: String, hint: String) -> [(text: String, node: Node)]? {
        let nodes = node.items ?? [node]
        let words = nodes.compactMap { node in
            node.scalar.flatMap { $0.json == .null ? nil : (text: $0.text, node: node) }
        }
        guard words.count == nodes.count, node.entries == nil else {
            let wrong = nodes.first { $0.scalar == nil || $0.isNull } ?? node
            findings.reportType(what, wants: hint, at: wrong)
            return nil
        }
        return words
    }

    private func warn(ofName name: String, at node: Node) {
        let isKnown = EventCatalogue.names.contains(name) || name.hasPrefix(EventCatalogue.ownPrefix)
        guard !isKnown else { return }
        if let meant = EventCatalogue.misnomers[name] {
            let message = "OneSpan Sign sends '\(meant)'; '\(name)' is its name in the vendor's SDK only"
            findings.report(.unknownEvent, message, at: node.span)
            return
        }
        let near = Suggestion.clause(for: name, among: EventCatalogue.names)
        findings.report(.unknownEvent, "OneSpan Sign is not known to send '\(name)'\(near)", at: node.span)
    }

    private func warn(ofPattern glob: Glob, at node: Node) {
        let prefix = glob.literalPrefix
        let isOwn = prefix.hasPrefix(EventCatalogue.ownPrefix) || EventCatalogue.ownPrefix.hasPrefix(prefix)
        guard !isOwn, !EventCatalogue.names.contains(where: { glob.matches($0) }) else { return }
        let message = "no event that OneSpan Sign is known to send matches '\(glob.source)'"
        findings.report(.unknownEvent, message, at: node.span)
    }
}
