package import CountersignCore

/// Turns the texts of rule files into a rule set, or into findings.
package struct RuleCompiler: Sendable {
    /// The outcome: a rule set unless a finding is an error, and all findings of all files in their order.
    package struct Outcome: Sendable {
        /// The checked rules; nil where a finding is an error.
        package let ruleSet: RuleSet?

        /// The findings of all files, sorted by file and position.
        package let diagnostics: [Diagnostic]

        /// The tests inside the files.
        package let tests: [RuleTest]

        /// The scripts of all steps, those of wrong files included.
        package let scripts: [ShellScript]

        /// What compiling returned; by default without tests and scripts.
        package init(
            ruleSet: RuleSet?,
            diagnostics: [Diagnostic],
            tests: [RuleTest] = [],
            scripts: [ShellScript] = []
        ) {
            self.ruleSet = ruleSet
            self.diagnostics = diagnostics
            self.tests = tests
            self.scripts = scripts
        }
    }

    /// The actions that steps may name.
    package let catalogue: [ActionDeclaration]

    /// A compiler for rules whose steps use these actions and no others.
    package init(catalogue: [ActionDeclaration]) {
        self.catalogue = catalogue
    }

    /// Reads and checks all files.
    package func compile(_ sources: RuleSources) -> Outcome {
        var drafts: [RuleDraft] = []
        var files: [(findings: Findings, contents: RuleFileReader.Contents)] = []
        for file in sources.files {
            let findings = Findings(source: sources.sourceText(of: file))
            let reader = RuleFileReader(catalogue: catalogue, findings: findings, file: file, sources: sources)
            let contents = reader.read()
            drafts += contents.rules
            files.append((findings, contents))
        }
        compare(drafts)
        compareGroups(drafts)
        let steps = Dictionary(drafts.map { ($0.id, $0.stepIDs) }) { $0.union($1) }
        let isComplete = files.allSatisfy(\.contents.isComplete)
        let tests = files.flatMap { findings, contents in
            let reader = RuleTestReader(findings: findings, steps: steps, knowsAllRules: isComplete)
            return contents.tests.compactMap { reader.test($0) }
        }
        let diagnostics = files.flatMap(\.findings.diagnostics).sorted()
        let scripts = files.flatMap(\.findings.scripts)
        guard !diagnostics.contains(where: { $0.severity == .error }) else {
            return Outcome(ruleSet: nil, diagnostics: diagnostics, scripts: scripts)
        }
        let required: Set<String> = drafts.reduce(into: []) { $0.formUnion($1.secretNames) }
        let optional: Set<String> = drafts.reduce(into: []) { $0.formUnion($1.optionalSecretNames) }
        let ruleSet = RuleSet(
            version: sources.version,
            rules: drafts.compactMap(\.rule),
            secretNames: required.union(optional),
            optionalSecretNames: optional.subtracting(required)
        )
        return Outcome(ruleSet: ruleSet, diagnostics: diagnostics, tests: tests, scripts: scripts)
    }

    /// Reports ids that stand twice and rules that do the same.
    private func compare(_ drafts: [RuleDraft]) {
        var byID: [String: RuleDraft] = [:]
        var byMeaning: [String: RuleDraft] = [:]
        for draft in drafts {
            if let other = byID.updateValue(draft, forKey: draft.id) {
                let message = "another rule has the id '\(draft.id)', at \(other.place); rename one"
                draft.findings.report(.duplicateID, message, at: draft.idSpan)
                continue
            }
            guard draft.rule?.isEnabled ?? false else { continue }
            if let other = byMeaning[draft.meaning] {
                let message = "this rule does the same as '\(other.id)', at \(other.place); remove one"
                draft.findings.report(.duplicateRule, message, at: draft.idSpan)
            } else {
                byMeaning[draft.meaning] = draft
            }
        }
    }

    /// Reports rules that share the keys of a group and do not agree on what that means.
    private func compareGroups(_ drafts: [RuleDraft]) {
        var first: [String: (draft: RuleDraft, concurrency: Concurrency)] = [:]
        for draft in drafts {
            guard let concurrency = draft.rule?.concurrency, let group = concurrency.group else { continue }
            guard let other = first[group] else {
                first[group] = (draft, concurrency)
                continue
            }
            let words = concurrency.differences(from: other.concurrency)
            guard let span = draft.groupSpan, !words.isEmpty else { continue }
            let message =
                "the rules of the group '\(group)' must agree in \(words.listed); compare with '\(other.draft.id)', at "
                + other.draft.place
            draft.findings.report(.groupMismatch, message, at: span)
        }
    }
}

extension Concurrency {
    /// The keys in which rules of a group must agree and do not.
    fileprivate func differences(from other: Concurrency) -> [String] {
        [
            ("per", per == other.per), ("limit", limit == other.limit),
            ("on_failure", holdsOnFailure == other.holdsOnFailure),
        ]
        .filter { !$0.1 }.map(\.0)
    }
}

extension RuleDraft {
    fileprivate var place: String { "\(findings.source.path):\(idSpan.line)" }
}
