package import CountersignModel
package import Foundation

/// All rules of a folder, checked and ready to judge events.
package struct RuleSet: Sendable {
    package let version: RuleSetVersion

    /// The rules in the order of their files, disabled ones included.
    package let rules: [Rule]

    /// The names of all secrets that the rules use.
    package let secretNames: Set<String>

    package init(version: RuleSetVersion, rules: [Rule], secretNames: Set<String>) {
        self.version = version
        self.rules = rules
        self.secretNames = secretNames
    }

    /// The enabled rules whose conditions hold for `event`, in their order.
    package func matching(_ event: Event, at now: Date) -> [Rule] {
        let judgement = Judgement(event: event, now: now)
        return rules.filter { $0.isEnabled && $0.condition.holds(in: judgement) }
    }

    /// The rule called `id`.
    package func rule(_ id: String) -> Rule? {
        rules.first { $0.id == id }
    }
}
