package import CountersignCore
package import Foundation

/// A rule set that is activated: for every event that is evaluated from then on, whichever instance does so.
package struct Activation: Sendable, Hashable {
    /// Counts activations of one store, from 1; 0 stands for the time before the first.
    package typealias Number = Int64

    /// Why a rule set was activated.
    package enum Reason: String, CaseIterable, Sendable {
        /// An instance started, and its folder held it.
        case start
        /// The folder of an instance was changed.
        case folder
        /// Somebody installed it by a command.
        case command
        /// The folders of all instances had held it for a while.
        case agreement
    }

    /// Its place among the activations of the store.
    package let number: Number

    /// The active rule set.
    package let ruleSet: RuleSetVersion

    /// Since when it is active.
    package let since: Date

    /// The name of the instance that activated it.
    package let instance: String

    /// Why it did.
    package let reason: Reason

    /// An activation as a store read it.
    package init(number: Number, ruleSet: RuleSetVersion, since: Date, instance: String, reason: Reason) {
        self.number = number
        self.ruleSet = ruleSet
        self.since = since
        self.instance = instance
        self.reason = reason
    }
}

/// A rule set that is to be activated.
package struct ProposedRules: Sendable {
    /// The rule set.
    package let ruleSet: RuleSetVersion

    /// Its sources, which are kept once for each version.
    package let sources: JSON

    /// The name of the instance that proposes it.
    package let instance: String

    /// Why it is proposed.
    package let reason: Activation.Reason

    /// A rule set with its sources, proposed by an instance.
    package init(_ ruleSet: RuleSetVersion, sources: JSON, by instance: String, because reason: Activation.Reason) {
        self.ruleSet = ruleSet
        self.sources = sources
        self.instance = instance
        self.reason = reason
    }
}

/// Activates rule sets, one after the other.
package protocol ActivatingStore: Sendable {
    /// Activates a rule set, provided that `number` is still the newest activation.
    ///
    /// When it returns, no event is evaluated under an older activation any more.
    ///
    /// - Throws: `StoreError`.
    /// - Returns: The new activation; nil where another one came first, and nothing was changed.
    func activate(_ rules: ProposedRules, after number: Activation.Number, at now: Date) async throws -> Activation?

    /// Notified when other rules may have been activated by another process.
    var activated: AsyncSignal { get }
}
