import CountersignCore
package import CountersignRules
package import CountersignStore
package import Foundation

/// An active rule with its statistics.
package struct RuleStatus: Sendable {
    /// How far back runs are counted.
    package static let day: TimeInterval = 86_400

    /// The rule in the active rule set.
    package let rule: Rule

    /// Its runs of the last day, its failed runs and its newest run.
    package let statistics: RuleStatistics
}

/// The active rules: those that the server last loaded without errors, as the store keeps them.
package struct ActiveRules: Sendable {
    /// The rule files as the store keeps them.
    package let sources: RuleSources

    /// The rules that this program compiled from the files.
    package let ruleSet: RuleSet

    /// Active rules; `ruleSet` must be compiled from `sources`.
    package init(sources: RuleSources, ruleSet: RuleSet) {
        self.sources = sources
        self.ruleSet = ruleSet
    }

    /// Reads them from the store.
    ///
    /// - Throws: `OperationError` when there are none, or none that this program understands; `StoreError`.
    package static func read(_ archive: any Archive, _ compiler: RuleCompiler) async throws -> ActiveRules {
        guard let sources = try await archive.latestSources().flatMap({ RuleSources(json: $0) }) else {
            throw OperationError(.notFound, "there have never been active rules; start 'countersign serve'")
        }
        let outcome = compiler.compile(sources)
        guard let ruleSet = outcome.ruleSet else {
            let reason = outcome.diagnostics.first { $0.severity == .error }.map { ": \($0)" } ?? ""
            throw OperationError(.conflict, "the active rules belong to a different program version\(reason)")
        }
        return ActiveRules(sources: sources, ruleSet: ruleSet)
    }

    /// The source of a rule in its file; nil where the store no longer has it.
    package func outline(of id: String) -> RuleOutline? { sources.outlines.first { $0.id == id } }
}

extension RuleSet {
    /// The rules with their statistics, in the order of the files.
    ///
    /// - Throws: `StoreError`.
    package func statuses(in archive: any Archive, at now: Date) async throws -> [RuleStatus] {
        try await statuses(of: rules, in: archive, at: now)
    }

    /// One rule with its statistics.
    ///
    /// - Throws: `OperationError` where no rule has this id, `StoreError`.
    package func status(of id: String, in archive: any Archive, at now: Date) async throws -> RuleStatus {
        guard let rule = rule(id) else {
            let near = Suggestion.nearest(to: id, among: rules.map(\.id))
            let hint = near.map { "did you mean '\($0)'?" } ?? "see 'countersign rules list'"
            throw OperationError(.notFound, "there is no active rule '\(id)'; \(hint)")
        }
        return try await statuses(of: [rule], in: archive, at: now)[0]
    }

    private func statuses(of rules: [Rule], in archive: any Archive, at now: Date) async throws -> [RuleStatus] {
        let since = now.addingTimeInterval(-RuleStatus.day)
        let statistics = try await archive.statistics(ofRules: rules.map(\.id), since: since)
        return rules.map { RuleStatus(rule: $0, statistics: statistics[$0.id] ?? RuleStatistics()) }
    }
}
