package import CountersignModel

/// Turns the texts of rule files into a rule set, or into findings.
package struct RuleCompiler: Sendable {
    /// The outcome: a rule set unless a finding is an error, and all findings of all files in their order.
    package struct Outcome: Sendable {
        package let ruleSet: RuleSet?
        package let diagnostics: [Diagnostic]

        package init(ruleSet: RuleSet?, diagnostics: [Diagnostic]) {
            self.ruleSet = ruleSet
            self.diagnostics = diagnostics
        }
    }

    /// The actions that steps may name.
    package let catalogue: [ActionDeclaration]

    package init(catalogue: [ActionDeclaration]) {
        self.catalogue = catalogue
    }
}
