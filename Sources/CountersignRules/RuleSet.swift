package import CountersignCore
package import Foundation

/// All rules of a folder, checked and ready to evaluate events.
package struct RuleSet: Sendable {
    /// The hash of the files, which events and runs refer to.
    package let version: RuleSetVersion

    /// The rules in the order of their files, disabled ones included.
    package let rules: [Rule]

    /// The names of all secrets that the rules use.
    package let secretNames: Set<String>

    /// The names of those that may be missing, as steps ask first whether they are set.
    package let optionalSecretNames: Set<String>

    private let index: RuleIndex

    /// The index over what cancels; nil where no rule has `unless`.
    private let cancellingIndex: RuleIndex?

    /// A set of rules that have been checked; it builds the index that `matches` uses.
    package init(
        version: RuleSetVersion,
        rules: [Rule],
        secretNames: Set<String>,
        optionalSecretNames: Set<String> = []
    ) {
        self.optionalSecretNames = optionalSecretNames
        self.version = version
        self.rules = rules
        self.secretNames = secretNames
        index = RuleIndex(rules.map { $0.isEnabled ? $0.condition : nil })
        let cancelling = rules.map { $0.isEnabled ? $0.unless : nil }
        cancellingIndex = cancelling.contains { $0 != nil } ? RuleIndex(cancelling) : nil
    }

    /// The enabled rules whose conditions hold for `event`, or may hold once its package and earlier events are known, in
    /// their order.
    package func matching(_ event: Event, at now: Date) -> [Rule] {
        matches(EvaluationContext(event: event, now: now)).map { rules[$0] }
    }

    /// The positions in `rules` of the enabled ones whose conditions hold, or may hold once the package and earlier events
    /// are known, in ascending order.
    ///
    /// This is `matching` for those who need no copies of the rules; it looks at the rules that can match, not at all.
    package func matches(_ context: EvaluationContext) -> [Int] {
        index.matches(context)
    }

    /// The positions in `rules` of the enabled ones whose `unless` holds for the event, in ascending order.
    ///
    /// Whether it cancels timers of theirs, `After.cancels` decides.
    package func cancelling(_ context: EvaluationContext) -> [Int] {
        cancellingIndex?.matches(context) ?? []
    }

    /// The rule called `id`.
    package func rule(_ id: String) -> Rule? {
        rules.first { $0.id == id }
    }
}
