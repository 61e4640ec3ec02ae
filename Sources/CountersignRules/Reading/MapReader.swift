import CountersignCore

/// Reads a map whose keys the language fixes.
struct MapReader {
    let findings: Findings
    let entries: [Node.Entry]

    /// What the map is, such as "a rule".
    let what: String

    /// Where a finding about what is missing points.
    let span: SourceSpan

    /// The keys that were probably meant by unknown ones, and so are not missing.
    private var meant: Set<String> = []

    /// The map, or nil where `node` is none; keys beside `known` are reported.
    init?(
        _ node: Node,
        what: String,
        keys known: [String],
        synonyms: [String: String] = [:],
        example: String = "",
        findings: Findings
    ) {
        guard let entries = node.entries else {
            findings.reportType(what, wants: "a map" + (example.isEmpty ? "" : ", such as \(example)"), at: node)
            return nil
        }
        self.findings = findings
        self.entries = entries
        self.what = what
        span = SourceSpan(line: node.span.line, column: node.span.column, length: entries.first?.keySpan.length ?? 1)
        for entry in entries where !known.contains(entry.key) {
            let near = synonyms[entry.key] ?? Suggestion.nearest(to: entry.key, among: known)
            if let near { meant.insert(near) }
            let rest = near.map { "did you mean '\($0)'?" } ?? "it has \(known.listed)"
            findings.report(.unknownKey, "\(what) has no key '\(entry.key)'; \(rest)", at: entry.keySpan)
        }
    }

    subscript(key: String) -> Node.Entry? {
        entries.first { $0.key == key }
    }

    /// The entry of a key that must be there.
    func required(_ key: String) -> Node.Entry? {
        if let entry = self[key] { return entry }
        guard !meant.contains(key) else { return nil }
        findings.report(.missingKey, "\(what) needs the key '\(key)'", at: span)
        return nil
    }

    func text(_ key: String) -> String? {
        self[key].flatMap { OptionReader(findings: findings).text($0.value, what: "'\(key)'") }
    }

    func boolean(_ key: String, default fallback: Bool) -> Bool {
        self[key].flatMap { OptionReader(findings: findings).boolean($0.value, what: "'\(key)'") } ?? fallback
    }

    /// The items of a list; nil where the key is absent or holds something else, which is reported.
    func list(_ key: String, of what: String) -> [Node]? {
        guard let entry = self[key] else { return nil }
        guard let items = entry.value.items else {
            let example = entry.value.entries == nil ? "" : ", each beginning with '- '"
            findings.reportType("'\(key)'", wants: "a list of \(what)\(example)", at: entry.value)
            return nil
        }
        return items
    }
}
