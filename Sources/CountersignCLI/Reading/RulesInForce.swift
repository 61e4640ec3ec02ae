import CountersignModel
import CountersignRules
import CountersignStore
import Foundation

/// The rules that the server read last without finding an error, as the store keeps them.
struct RulesInForce: Sendable {
    let sources: RuleSources
    let ruleSet: RuleSet

    /// Reads them from the store.
    ///
    /// - Throws: `CommandFailure` when there are none, or none that this program understands; `StoreError`.
    static func read(_ archive: any Archive, _ compiler: RuleCompiler) async throws -> RulesInForce {
        guard let sources = try await archive.latestSources().flatMap({ RuleSources(json: $0) }) else {
            throw CommandFailure("no rules were in force so far; start 'countersign serve'")
        }
        let outcome = compiler.compile(sources)
        guard let ruleSet = outcome.ruleSet else {
            let reason = outcome.diagnostics.first { $0.severity == .error }.map { ": \($0)" } ?? ""
            throw CommandFailure("the rules in force are those of another program than this one\(reason)")
        }
        return RulesInForce(sources: sources, ruleSet: ruleSet)
    }

    /// Each rule with how it fares, in the order of the files.
    ///
    /// - Throws: `StoreError`.
    func standings(in archive: any Archive, at now: Date) async throws -> [RuleStanding] {
        let runs = try await runsOfTheDay(in: archive, at: now)
        var standings: [RuleStanding] = []
        for rule in ruleSet.rules { standings.append(try await standing(of: rule, runs, in: archive)) }
        return standings
    }

    /// One rule with how it fares; nil where none is called so.
    ///
    /// - Throws: `StoreError`.
    func standing(of id: String, in archive: any Archive, at now: Date) async throws -> RuleStanding? {
        guard let rule = ruleSet.rule(id) else { return nil }
        return try await standing(of: rule, try await runsOfTheDay(in: archive, at: now), in: archive)
    }

    private func runsOfTheDay(in archive: any Archive, at now: Date) async throws -> [String: Int] {
        let activity = try await archive.activity(since: now.addingTimeInterval(-RuleStanding.day))
        return activity.reduce(into: [:]) { $0[$1.ruleID, default: 0] += $1.count }
    }

    private func standing(of rule: Rule, _ runs: [String: Int], in archive: any Archive) async throws -> RuleStanding {
        RuleStanding(
            rule: rule,
            runsOfTheDay: runs[rule.id] ?? 0,
            failed: try await archive.runCount(ofRule: rule.id, in: .failed),
            lastMatch: try await archive.runs(RunQuery(ruleID: rule.id, limit: 1)).first?.createdAt
        )
    }
}

/// How a rule fares.
struct RuleStanding: Sendable {
    /// How far back the runs are counted.
    static let day: TimeInterval = 86_400

    let rule: Rule

    /// How many runs were made of it in the last day.
    let runsOfTheDay: Int

    /// How many of its runs wait for somebody to look after them.
    let failed: Int

    /// When its newest run was made.
    let lastMatch: Date?
}
