import CountersignCore

/// Reads one rule file.
struct RuleFileReader {
    let catalogue: [ActionDeclaration]
    let findings: Findings
    let file: RuleSources.File
    let sources: RuleSources

    /// What a file holds.
    struct Contents {
        var rules: [RuleDraft] = []

        /// The tests, which can be read once the rules of all files are known.
        var tests: [Node] = []

        /// Whether the ids of all rules of the file are known.
        var isComplete = false
    }

    func read() -> Contents {
        guard let root = root() else { return Contents() }
        if root["rules"] == nil, root["tests"] == nil { _ = root.required("rules") }
        let reader = RuleReader(
            catalogue: catalogue,
            findings: findings,
            file: file.path,
            folder: sources.folder(of: file)
        )
        let nodes = root.list("rules", of: "rules") ?? []
        let rules = nodes.compactMap { reader.rule($0) }
        let tests = root.list("tests", of: "tests") ?? []
        return Contents(rules: rules, tests: tests, isComplete: rules.count == nodes.count)
    }

    private func root() -> MapReader? {
        let before = findings.diagnostics.count
        guard let node = YAMLReader.read(file.text, into: findings) else {
            if findings.diagnostics.count == before {
                let message = "the file is empty; a rule file has 'rules:' with a list of rules"
                findings.report(.missingKey, message, at: SourceSpan(line: 1, column: 1))
            }
            return nil
        }
        if node.items != nil {
            findings.report(
                .missingKey,
                "a rule file begins with 'rules:'; add that line above the list",
                at: node.span
            )
            return nil
        }
        return MapReader(node, what: "a rule file", keys: RuleKeys.file, findings: findings)
    }
}
