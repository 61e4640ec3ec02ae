package import CountersignCore
package import CountersignRules

/// A active rule set, with the secrets that its rules name.
package struct LoadedRules: Sendable {
    /// The compiled rules.
    package let ruleSet: RuleSet

    /// The values of the secrets that the rules name, and why others have none.
    package let secrets: Secrets

    /// A rule set with its secrets as they were read last.
    package init(ruleSet: RuleSet, secrets: Secrets) {
        self.ruleSet = ruleSet
        self.secrets = secrets
    }
}
