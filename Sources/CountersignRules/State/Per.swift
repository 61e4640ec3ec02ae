package import CountersignCore

/// The `per` of a word with state: by what a rule counts, waits and queues.
package enum Per: Sendable, Equatable {
    /// One key for the whole rule.
    case rule
    /// The values at these paths, in this order; an absent value is a value of its own.
    case paths([ConditionPath])

    /// The number of the event's package, by which most words count.
    package static let package = Per.paths([ConditionPath(JSONPath([.key("packageId")]))])

    /// Whether each key is about one package.
    package var holdsPackage: Bool {
        guard case .paths(let paths) = self else { return false }
        return paths.contains(ConditionPath(JSONPath([.key("packageId")])))
    }

    /// Whether the package or its signer must be known to tell the key.
    package var asksPackage: Bool {
        guard case .paths(let paths) = self else { return false }
        return paths.contains { $0.root != .subject }
    }

    /// The key of an event at the rule `ruleID`.
    package func key(of context: EvaluationContext, ruleID: String) -> StateKey {
        guard case .paths(let paths) = self else { return StateKey(ruleID: ruleID, values: []) }
        // Accounts are counted apart, whether a rule names them or not.
        let account: [JSON?] = context.account.isEmpty ? [] : [.string(context.account)]
        return StateKey(ruleID: ruleID, values: account + paths.map { context.value(at: $0) })
    }
}
