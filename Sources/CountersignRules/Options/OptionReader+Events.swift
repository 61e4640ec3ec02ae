import CountersignCore

extension OptionReader {
    /// The longest name that a rule can give to an event, in characters.
    private static let longestName = 100

    /// The name of an event that a rule raises: it can never be taken for one of the vendor's.
    func ownEvent(_ node: Node, what: String) -> String? {
        guard let text = text(node, what: what) else { return nil }
        let prefix = EventCatalogue.ownPrefix
        let isName =
            text.hasPrefix(prefix) && text.count > prefix.count && text.count <= Self.longestName
            && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
        guard isName else {
            let rest = text.uppercased().hasPrefix(prefix) ? String(text.dropFirst(prefix.count)) : text
            let good = String(rest.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" }.prefix(40))
            let advice = rest.isEmpty || rest.contains("$") ? "" : "; write '\(prefix)\(good)'"
            let wanted = "'\(prefix)' and up to \(Self.longestName - prefix.count) letters, digits and '_'"
            let message = "\(what) must be the name of a custom event, \(wanted), not '\(text)'\(advice)"
            findings.report(.badEventName, message, at: node.span)
            return nil
        }
        guard !EventCatalogue.reservedNames.contains(text) else {
            let message = "\(what) cannot be '\(text)', which Countersign raises itself; give it another name"
            findings.report(.badEventName, message, at: node.span)
            return nil
        }
        return text
    }

    /// A JSON object with templates in its strings.
    func jsonObject(_ node: Node, without reserved: [String], what: String) -> JSONTemplate? {
        guard let entries = node.entries else {
            findings.reportType(what, wants: "a map of names to values", at: node)
            return nil
        }
        let taken = entries.filter { reserved.contains($0.key) }
        for entry in taken {
            let message = "\(what) cannot hold '\(entry.key)', which Countersign sets itself; give it another name"
            findings.report(.reservedField, message, at: entry.keySpan)
        }
        let value = json(node)
        return taken.isEmpty ? value : nil
    }
}
