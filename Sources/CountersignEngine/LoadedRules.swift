package import CountersignCore
package import CountersignRules

/// A active rule set, with the secrets that its rules name.
package struct LoadedRules: Sendable {
    package let ruleSet: RuleSet
    package let secrets: Secrets

    package init(ruleSet: RuleSet, secrets: Secrets) {
        self.ruleSet = ruleSet
        self.secrets = secrets
    }
}
