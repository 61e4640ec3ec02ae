import CountersignCore
import CountersignRules

/// Bytes as a rule file.
enum RulesTarget {
    private static let payloads = SamplePayload.all.compactMap { try? JSON(parsing: $0.body) }

    static func check(_ bytes: [UInt8]) -> CInt {
        let sources = RuleSources(folder: "/rules", files: [.init(path: "fuzz.yaml", text: bytes)])
        let outcome = compiler.compile(sources)
        let hasError = outcome.diagnostics.contains { $0.severity == .error }
        require((outcome.ruleSet == nil) == hasError, "there is a rule set or an error, and not both")
        for source in sources.sourceTexts {
            for finding in outcome.diagnostics { checkPlace(of: finding, in: source) }
        }
        if let ruleSet = outcome.ruleSet { checkIndex(of: ruleSet) }
        require(RuleSources(json: sources.json)?.files.count == 1, "sources are kept as JSON")
        return 0
    }

    private static func checkPlace(of finding: Diagnostic, in source: SourceText) {
        let span = finding.span
        require((1...source.lines.count).contains(span.line), "the line is in the file: \(finding)")
        let width = source.line(span.line).count
        require((1...(width + 1)).contains(span.column), "the column is in the line: \(finding)")
        require(span.length >= 1, "a finding marks something: \(finding)")
    }

    private static func checkIndex(of ruleSet: RuleSet) {
        for payload in payloads {
            let context = context(payload, name: payload["name"]?.string ?? "")
            // The package is not known here: a rule that asks for it is found where it may match.
            let expected = ruleSet.rules.indices.filter { index in
                ruleSet.rules[index].isEnabled && ruleSet.rules[index].condition.canHold(in: context)
            }
            require(ruleSet.matches(context) == expected, "the index finds the rules that match \(payload.text)")
        }
    }
}
