package import CountersignCore
package import CountersignRules
package import CountersignStore
package import Foundation
import Synchronization

/// The active rules, and the older sets that unfinished runs still go by.
///
/// A set is read, checked and swapped in as a whole; one with an error leaves the old one active.
package final class RuleBook: Sendable {
    /// What came of an attempt to bring new sources into force.
    package enum Change: Sendable {
        case installed(RuleSetVersion, count: Int, warnings: [Diagnostic])
        case refused([Diagnostic])
    }

    /// Which rules are active, and whether newer ones were refused since.
    package struct Status: Sendable {
        /// The set active; nil before the first one.
        package var version: RuleSetVersion?

        /// How many rules are in it.
        package var count = 0

        /// Since when it is active.
        package var since: Date?

        /// The change that was refused last, and why; nil once another one became active.
        package var refusal: (at: Date, findings: [String])?
    }

    private struct State {
        var current: LoadedRules?
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
    private let store: any Store
    private let clock: any WallClock
    private let loadSecrets: @Sendable (Set<String>) -> Secrets

    /// A book without active rules; `loadSecrets` reads the secrets with the names that it is given.
    package init(
        compiler: RuleCompiler,
        store: any Store,
        clock: any WallClock,
        loadSecrets: @escaping @Sendable (Set<String>) -> Secrets
    ) {
        self.compiler = compiler
        self.store = store
        self.clock = clock
        self.loadSecrets = loadSecrets
    }

    /// The active rules; nil before the first set was installed.
    package var current: LoadedRules? {
        state.withLock { $0.current }
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

    /// Checks `sources` and, when they hold no error, brings them into force.
    ///
    /// The sources are in the store before the first run can be made by them.
    ///
    /// - Throws: `StoreError` when they cannot be kept; the old set stays active.
    /// - Returns: Result.
    package func install(_ sources: RuleSources) async throws -> Change {
        let outcome = compiler.compile(sources)
        guard let ruleSet = outcome.ruleSet else {
            note(refusal: outcome.diagnostics.filter { $0.severity == .error }.map(\.description))
            return .refused(outcome.diagnostics)
        }
        try await store.keep(ruleSet: ruleSet.version, sources: sources.json, at: clock.now)
        let loaded = load(ruleSet)
        let now = clock.now
        state.withLock { state in
            state.current = loaded
            state.status = Status(version: ruleSet.version, count: ruleSet.rules.count, since: now)
        }
        return .installed(ruleSet.version, count: ruleSet.rules.count, warnings: outcome.diagnostics)
    }

    /// Brings back the set that was active last, when the store knows one and it still passes the checks.
    package func installLastGood() async throws -> RuleSetVersion? {
        let refusal = status.refusal
        guard let sources = try await store.latestSources().flatMap({ RuleSources(json: $0) }),
            case .installed(let version, _, _) = try await install(sources)
        else { return nil }
        // Those of the folder stay refused.
        state.withLock { $0.status.refusal = refusal }
        return version
    }

    /// The set that a run was made by.
    ///
    /// - Throws: `StoreError`, or `UnknownRuleSet` when it was not kept or this program can no longer read it.
    package func rules(of version: RuleSetVersion) async throws -> LoadedRules {
        let known: LoadedRules? = state.withLock { state in
            if let current = state.current, current.ruleSet.version == version { return current }
            guard let known = state.older.first(where: { $0.ruleSet.version == version }) else { return nil }
            state.keep(known)
            return known
        }
        if let known { return known }
        let loaded = load(try compiler.compile(kept: try await store.sources(of: version), as: version))
        state.withLock { $0.keep(loaded) }
        return loaded
    }

    /// Reads the secrets of all sets again; a step that is under way keeps those that it began with.
    package func reloadSecrets() {
        let (current, older) = state.withLock { ($0.current, $0.older) }
        let loaded = current.map { load($0.ruleSet) }
        let loadedOlder = older.map { load($0.ruleSet) }
        state.withLock { state in
            // A set that became active meanwhile has new secrets already.
            if state.current?.ruleSet.version == loaded?.ruleSet.version { state.current = loaded }
            for rules in loadedOlder { state.keep(rules) }
        }
    }

    private func load(_ ruleSet: RuleSet) -> LoadedRules {
        LoadedRules(ruleSet: ruleSet, secrets: loadSecrets(ruleSet.secretNames))
    }
}

extension RuleCompiler {
    /// The rule set whose sources the store kept under `version`.
    func compile(kept json: JSON?, as version: RuleSetVersion) throws(UnknownRuleSet) -> RuleSet {
        guard let sources = json.flatMap({ RuleSources(json: $0) }) else {
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
