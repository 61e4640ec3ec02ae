import CountersignModel
import CountersignRules
import CountersignStore
import Foundation

/// The rules that the server read last without finding an error, as the store keeps them.
struct ActiveRules: Sendable {
    let sources: RuleSources
    let ruleSet: RuleSet

    /// Reads them from the store.
    ///
    /// - Throws: `CommandFailure` when there are none, or none that this program understands; `StoreError`.
    static func read(_ archive: any Archive, _ compiler: RuleCompiler) async throws -> ActiveRules {
        guard let sources = try await archive.latestSources().flatMap({ RuleSources(json: $0) }) else {
            throw CommandFailure("there have never been active rules; start 'countersign serve'")
        }
        let outcome = compiler.compile(sources)
        guard let ruleSet = outcome.ruleSet else {
            let reason = outcome.diagnostics.first { $0.severity == .error }.map { ": \($0)" } ?? ""
            throw CommandFailure("the active rules belong to a different program version\(reason)")
        }
        return ActiveRules(sources: sources, ruleSet: ruleSet)
    }

    /// Each rule with its statistics, in the order of the files.
    ///
    /// - Throws: `StoreError`.
    func statuses(in archive: any Archive, at now: Date) async throws -> [RuleStatus] {
        let runs = try await runsOfTheDay(in: archive, at: now)
        var statuses: [RuleStatus] = []
        for rule in ruleSet.rules { statuses.append(try await status(of: rule, runs, in: archive)) }
        return statuses
    }

    /// One rule with its statistics; nil where none is called so.
    ///
    /// - Throws: `StoreError`.
    func status(of id: String, in archive: any Archive, at now: Date) async throws -> RuleStatus? {
        guard let rule = ruleSet.rule(id) else { return nil }
        return try await status(of: rule, try await runsOfTheDay(in: archive, at: now), in: archive)
    }

    private func runsOfTheDay(in archive: any Archive, at now: Date) async throws -> [String: Int] {
        let activity = try await archive.activity(since: now.addingTimeInterval(-RuleStatus.day))
        return activity.reduce(into: [:]) { $0[$1.ruleID, default: 0] += $1.count }
    }

    private func status(of rule: Rule, _ runs: [String: Int], in archive: any Archive) async throws -> RuleStatus {
        RuleStatus(
            rule: rule,
            runsOfTheDay: runs[rule.id] ?? 0,
            failed: try await archive.runCount(ofRule: rule.id, in: .failed),
            lastMatch: try await archive.runs(RunQuery(ruleID: rule.id, limit: 1)).first?.createdAt
        )
    }
}

/// How a rule fares.
struct RuleStatus: Sendable {
    /// How far back the runs are counted.
    static let day: TimeInterval = 86_400

    let rule: Rule

    /// How many runs were made of it in the last day.
    let runsOfTheDay: Int

    /// How many of its runs need attention to look after them.
    let failed: Int

    /// When its newest run was made.
    let lastMatch: Date?
}
