import CountersignCore
import CountersignOperations
import CountersignRules
import CountersignStore
import CountersignTesting
import Foundation
import Testing

/// Rules with their statistics, as the terminal, the pages and the API show them.
struct RuleStatusTests {
    private let store = MemoryStore()
    private let now = Date(milliseconds: 1_530_389_095_384)
    private let compiler = RuleCompiler(catalogue: [ScriptedAction.declaration])

    private var questions: StoreQuestions {
        StoreQuestions(archive: store, compiler: { [compiler] in compiler }, clock: ManualClock(now: now))
    }

    private func keep(_ yaml: String) async throws {
        let sources = RuleSources(folder: "/rules", files: [.init(path: "rules.yaml", text: Array(yaml.utf8))])
        let rules = ProposedRules(sources.version, sources: sources.json, by: "one", because: .start)
        let newest = try await store.activation()?.number ?? 0
        _ = try await store.activate(rules, after: newest, at: now)
    }

    @Test func `a rule has its runs of the last day, its failures and its last match`() async throws {
        try await keep(
            """
            rules:
              - { id: complete, when: { event: PACKAGE_CREATE }, then: [{ probe: a }] }
              - { id: other, when: { event: PACKAGE_DECLINE }, then: [{ probe: a }] }
            """
        )
        let version = try #require(try await questions.rules().version)
        for (number, time) in [(1, now.addingTimeInterval(-2 * RuleStatus.day)), (2, now)] {
            let id = try await store.append(SampleDelivery.numbered(number), at: time).eventID
            let dispatch = Dispatch(
                eventID: id,
                ruleSet: version,
                ruleIDs: ["complete"],
                matchSet: MatchSet([true, false])
            )
            try await store.dispatch([dispatch], at: time)
        }
        let statuses = try await questions.rules().rules
        #expect(statuses.map(\.id) == ["complete", "other"])
        #expect(statuses[0].statistics == RuleStatistics(runs: 1, failed: 0, lastMatch: now))
        #expect(statuses[1].statistics == RuleStatistics())
        #expect(statuses[0].json["events"] == ["PACKAGE_CREATE"] && statuses[0].json["runs_last_day"] == 1)
        #expect(try await questions.rule("other").source.contains("PACKAGE_DECLINE"))
    }

    @Test func `a rule that is not there is refused with one that is near`() async throws {
        try await keep("rules: [{ id: complete, when: { event: PACKAGE_CREATE }, then: [{ probe: a }] }]")
        let error = OperationError(.notFound, "there is no active rule 'complet'; did you mean 'complete'?")
        await #expect(throws: error) { try await questions.rule("complet") }
    }

    @Test func `without rules in the store there are none to show`() async throws {
        let error = OperationError(.notFound, "there have never been active rules; start 'countersign serve'")
        await #expect(throws: error) { try await questions.rule("complete") }
        #expect(try await questions.rules().rules.isEmpty)
    }
}
