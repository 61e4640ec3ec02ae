package import CountersignCore
package import CountersignRules
package import CountersignStore
package import Foundation
import Synchronization

/// The active rules, and the older sets that unfinished runs still go by.
///
/// A set is read, checked and swapped in as a whole; one with an error leaves the old one active. Which one is active stands
/// in the store, as its newest activation: all instances go by it.
package final class RuleBook: Sendable {
    /// What came of an attempt to bring new sources into force.
    package enum Change: Sendable {
        case installed(RuleSetVersion, count: Int, warnings: [Diagnostic])
        case refused([Diagnostic])
    }

    /// The rules that events are evaluated by, and their activation.
    package struct Active: Sendable {
        /// The rules.
        package let rules: LoadedRules

        /// Since when, and by whom, they are active.
        package let activation: Activation
    }

    /// Which rules are active, and whether newer ones were refused since.
    package struct Status: Sendable {
        /// The set active; nil before the first one.
        package var version: RuleSetVersion?

        /// How many rules are in it.
        package var count = 0

        /// Since when it is active.
        package var since: Date?

        /// The set that this instance's folder holds; nil where it could not be read.
        package var folder: RuleSetVersion?

        /// Since when the folder holds it.
        package var folderSince: Date?

        /// The newest activation, where this program cannot go by it, and why; no event is evaluated then.
        package var unusable: (activation: Activation, reason: String)?

        /// Whether the folder of this instance holds other rules than the active ones.
        package var differs: Bool { folder != nil && folder != (unusable?.activation.ruleSet ?? version) }

        /// The change that was refused last, and why; nil once another one became active.
        package var refusal: (at: Date, findings: [String])?
    }

    private struct State {
        var active: Active?
        var status = Status()

        /// Those that were asked for last, the latest at the end.
        var older: [LoadedRules] = []

        mutating func keep(_ rules: LoadedRules) {
            older.removeAll { $0.ruleSet.version == rules.ruleSet.version }
            older.append(rules)
            if older.count > RuleBook.mostOlder { older.removeFirst() }
        }
    }

    /// How many older sets are kept at hand; any other is read from the store again when a run needs it.
    private static let mostOlder = 16

    private let state = Mutex(State())
    private let compiler: RuleCompiler
    /// Where rule sets are kept and activated.
    package let store: any Store
    private let clock: any WallClock
    /// The name by which this instance activates rule sets.
    package let instance: String
    private let folder: String
    private let loadSecrets: @Sendable (Set<String>) -> Secrets

    /// A book without active rules.
    ///
    /// - Parameters:
    ///   - compiler: Compiles rule sets.
    ///   - store: Where rule sets are activated.
    ///   - folder: Where this instance has its rules, and beside them the programs that they start.
    ///   - instance: The name by which this instance activates rule sets.
    ///   - clock: Tells since when.
    ///   - loadSecrets: Reads the secrets with the names that it is given.
    package init(
        compiler: RuleCompiler,
        store: any Store,
        folder: String,
        instance: String,
        clock: any WallClock,
        loadSecrets: @escaping @Sendable (Set<String>) -> Secrets
    ) {
        self.compiler = compiler
        self.store = store
        self.folder = folder
        self.instance = instance
        self.clock = clock
        self.loadSecrets = loadSecrets
    }

    /// The active rules with their activation; nil before the first set was installed, and while this program cannot go by
    /// the active one.
    package var active: Active? {
        state.withLock { $0.status.unusable == nil ? $0.active : nil }
    }

    /// The rules that this instance went by last; nil before the first set was installed.
    package var current: LoadedRules? {
        state.withLock { $0.active?.rules }
    }

    /// How many older sets are at hand.
    package var countOfOlder: Int {
        state.withLock { $0.older.count }
    }

    /// Which rules are active, and whether newer ones were refused since.
    package var status: Status {
        state.withLock { $0.status }
    }

    /// Notes that new rules were not taken, for reasons that are in `findings`.
    package func note(refusal findings: [String]) {
        let now = clock.now
        state.withLock { $0.status.refusal = (now, findings) }
    }

    /// Notes which rule set the folder of this instance holds; nil where it cannot be read.
    package func note(folder version: RuleSetVersion?) {
        let now = clock.now
        state.withLock { state in
            guard state.status.folder != version || state.status.folderSince == nil else { return }
            state.status.folder = version
            state.status.folderSince = now
        }
    }

    /// Checks `sources` and, when they hold no error, activates them, for every instance of the store.
    ///
    /// The sources are in the store before the first run can be made by them.
    ///
    /// - Throws: `StoreError` when they cannot be activated; the old set stays active.
    /// - Returns: Result.
    package func install(_ sources: RuleSources, because reason: Activation.Reason) async throws -> Change {
        let outcome = compiler.compile(sources)
        guard let ruleSet = outcome.ruleSet else {
            if reason != .command {
                note(refusal: outcome.diagnostics.filter { $0.severity == .error }.map(\.description))
            }
            return .refused(outcome.diagnostics)
        }
        try await activate(ruleSet, of: sources, because: reason)
        // Those of the folder stay refused, whatever somebody installs.
        if reason != .command { state.withLock { $0.status.refusal = nil } }
        return .installed(ruleSet.version, count: ruleSet.rules.count, warnings: outcome.diagnostics)
    }

    /// Activates a set that was compiled already.
    ///
    /// - Throws: `StoreError`; the old set stays active.
    package func activate(
        _ ruleSet: RuleSet,
        of sources: RuleSources,
        because reason: Activation.Reason
    ) async throws {
        let proposal = ProposedRules(ruleSet.version, sources: sources.json, by: instance, because: reason)
        while true {
            let newest = try await store.activation()
            // Whoever came first with the same set has done it.
            if let newest, newest.ruleSet == ruleSet.version { return adopt(ruleSet, newest) }
            if let new = try await store.activate(proposal, after: newest?.number ?? 0, at: clock.now) {
                return adopt(ruleSet, new)
            }
        }
    }

    /// Goes by the rules that are active in the store, whoever activated them.
    ///
    /// - Throws: `StoreError`.
    /// - Returns: The activation, where this changed anything; its rules may be `Status.unusable`.
    package func follow() async throws -> Activation? {
        guard let newest = try await store.activation() else { return nil }
        let (active, unusable) = state.withLock { ($0.active, $0.status.unusable?.activation) }
        // By their numbers: a database tells the time by its own clock, and ours may be set meanwhile.
        guard newest.number != active?.activation.number, newest.number != unusable?.number else { return nil }
        do {
            adopt(try await rules(of: newest.ruleSet).ruleSet, newest)
        } catch let error as UnknownRuleSet {
            state.withLock { $0.status.unusable = (newest, error.reason) }
        }
        return newest
    }

    private func adopt(_ ruleSet: RuleSet, _ activation: Activation) {
        let loaded = load(ruleSet)
        state.withLock { state in
            // Another task may have come further already.
            guard activation.number >= state.active?.activation.number ?? 0 else { return }
            state.active = Active(rules: loaded, activation: activation)
            state.status.version = ruleSet.version
            state.status.count = ruleSet.rules.count
            state.status.since = activation.since
            state.status.unusable = nil
        }
        // What waited for rules that this program can use.
        store.arrivals.notify()
        store.queued.notify()
    }

    /// The set that a run was made by.
    ///
    /// - Throws: `StoreError`, or `UnknownRuleSet` when it was not kept or this program can no longer read it.
    package func rules(of version: RuleSetVersion) async throws -> LoadedRules {
        let known: LoadedRules? = state.withLock { state in
            if let current = state.active?.rules, current.ruleSet.version == version { return current }
            guard let known = state.older.first(where: { $0.ruleSet.version == version }) else { return nil }
            state.keep(known)
            return known
        }
        if let known { return known }
        let loaded = load(try compiler.compile(kept: try await store.sources(of: version), as: version, in: folder))
        state.withLock { $0.keep(loaded) }
        return loaded
    }

    /// Reads the secrets of all sets again; a step that is under way keeps those that it began with.
    package func reloadSecrets() {
        let (active, older) = state.withLock { ($0.active, $0.older) }
        let loaded = active.map { Active(rules: load($0.rules.ruleSet), activation: $0.activation) }
        let loadedOlder = older.map { load($0.ruleSet) }
        state.withLock { state in
            // A set that became active meanwhile has new secrets already.
            if state.active?.activation.number == loaded?.activation.number { state.active = loaded }
            for rules in loadedOlder { state.keep(rules) }
        }
    }

    private func load(_ ruleSet: RuleSet) -> LoadedRules {
        LoadedRules(ruleSet: ruleSet, secrets: loadSecrets(ruleSet.secretNames))
    }
}

extension RuleCompiler {
    /// The rule set whose sources the store kept under `version`, as if they lay in `folder`; nil for where they lay.
    func compile(
        kept json: JSON?,
        as version: RuleSetVersion,
        in folder: String? = nil
    ) throws(UnknownRuleSet) -> RuleSet {
        guard let sources = json.flatMap({ RuleSources(json: $0, in: folder) }) else {
            throw UnknownRuleSet(version: version, reason: "it is not in the store")
        }
        let outcome = compile(sources)
        guard let ruleSet = outcome.ruleSet else {
            let finding = outcome.diagnostics.first { $0.severity == .error }
            throw UnknownRuleSet(version: version, reason: finding?.description ?? "it no longer passes validation")
        }
        return ruleSet
    }
}

/// A run or an event belongs to a rule set that this program cannot go by.
package struct UnknownRuleSet: Error, CustomStringConvertible {
    /// The version of the rule set.
    package let version: RuleSetVersion

    /// Why it cannot be used, as part of a sentence.
    package let reason: String

    /// The rule set and the reason, as an error message about a run.
    package var description: String {
        "the run was created by rule set \(version.short), which cannot be used: \(reason)"
    }
}
