import CountersignModel

/// Reads one rule file.
struct RuleFileReader {
    static let keys = ["rules", "tests"]

    let catalogue: [ActionDeclaration]
    let findings: Findings
    let file: RuleSources.File
    let sources: RuleSources

    /// The rules of the file, and its tests, which can be read once the rules of all files are known.
    func read() -> (rules: [RuleDraft], tests: [Node]) {
        guard let root = root() else { return ([], []) }
        if root["rules"] == nil, root["tests"] == nil { _ = root.required("rules") }
        let reader = RuleReader(
            catalogue: catalogue,
            findings: findings,
            file: file.path,
            folder: sources.folder(of: file)
        )
        let rules = (root.list("rules", of: "rules") ?? []).compactMap { reader.rule($0) }
        return (rules, root.list("tests", of: "tests") ?? [])
    }

    private func root() -> MapReader? {
        let before = findings.diagnostics.count
        guard let node = YAMLReader.read(file.text, into: findings) else {
            if findings.diagnostics.count == before {
                let message = "the file is empty; a rule file holds 'rules:' with a list of rules"
                findings.report(.missingKey, message, at: SourceSpan(line: 1, column: 1))
            }
            return nil
        }
        return MapReader(node, what: "a rule file", keys: Self.keys, findings: findings)
    }
}
