import CountersignCore
import CountersignEngine
import CountersignRules
import CountersignStore
import CountersignTesting
import Foundation
import Testing

@Suite(.timeLimit(.minutes(1)))
struct RunDiffTests {
    private static let compiler = RuleCompiler(catalogue: [ScriptedAction.declaration])

    /// A rule set of rules given as id, condition and what their only step says.
    private static func ruleSet(_ rules: [(id: String, when: String, say: String)]) throws -> RuleSet {
        let lines = rules.map { "  - { id: \($0.id), when: \($0.when), then: [{ probe: \($0.say) }] }" }
        let outcome = compiler.compile(.single("rules:\n" + lines.joined(separator: "\n")))
        return try #require(outcome.ruleSet, "\(outcome.diagnostics)")
    }

    /// A store of ten events, of package-1 to package-10, a second apart from `start` on.
    private static func store() async throws -> MemoryStore {
        let store = MemoryStore()
        for number in 1...10 {
            _ = try await store.append(SampleDelivery.numbered(number), at: start.addingTimeInterval(Double(number)))
        }
        return store
    }

    private static let start = Date(timeIntervalSince1970: 1_530_450_000)

    @Test(arguments: [1, 3, 10, 500])
    func `added, removed and unchanged runs are counted by rule, with the first examples`(page: Int) async throws {
        let old = try Self.ruleSet([
            ("range", "{ number: { lte: 6 } }", "a"), ("gone", "{ number: 1 }", "a"), ("same", "{ number: 2 }", "a"),
        ])
        let new = try Self.ruleSet([
            ("new", "{ number: 7 }", "a"), ("range", "{ number: { gte: 4 } }", "b"), ("same", "{ number: 2 }", "a"),
        ])
        var comparison = RuleSetComparison(old: old, new: new, examples: 2)
        try await comparison.evaluate(try await Self.store(), since: nil, page: page, until: Self.start)
        #expect(comparison.diff.events == 10 && comparison.diff.differs)
        #expect(comparison.diff.rows.map(\.ruleID) == ["range", "gone", "same", "new"])
        #expect(comparison.diff.rows.map(\.presence) == [.both, .gone, .both, .new])
        #expect(comparison.diff.rows.map(\.added.count) == [4, 0, 0, 1])
        #expect(comparison.diff.rows.map(\.removed.count) == [3, 1, 0, 0])
        #expect(comparison.diff.rows.map(\.unchanged) == [3, 0, 1, 0])
        #expect(comparison.diff.rows.map(\.hasOtherSteps) == [true, false, false, false])
        #expect(comparison.diff.rows[0].added.examples.map(\.event.rawValue) == [7, 8])
        #expect(comparison.diff.rows[0].removed.examples.map(\.packageID) == ["package-1", "package-2"])
    }

    @Test func `steps that differ in the order of their keys only are the same steps`() throws {
        let texts = [
            "[{ id: a, probe: x, timeout: 2s }]", "[{ timeout: 2s, probe: x, id: a }]", "[{ id: a, probe: y }]",
        ]
        let sets = try texts.map { steps in
            try #require(
                Self.compiler.compile(.single("rules: [{ id: r, when: { event: X_A }, then: \(steps) }]")).ruleSet
            )
        }
        #expect(!RuleSetComparison(old: sets[0], new: sets[1], examples: 0).diff.rows[0].hasOtherSteps)
        #expect(RuleSetComparison(old: sets[0], new: sets[2], examples: 0).diff.rows[0].hasOtherSteps)
    }

    @Test func `only events since a time are evaluated`() async throws {
        let rules = try Self.ruleSet([("all", "{ event: '*' }", "a")])
        var comparison = RuleSetComparison(old: rules, new: rules, examples: 1)
        var told: [Int] = []
        try await comparison.evaluate(
            try await Self.store(),
            since: Self.start.addingTimeInterval(8),
            page: 2,
            until: Self.start
        ) {
            told.append($0)
        }
        #expect(comparison.diff.events == 3 && !comparison.diff.differs)
        #expect(comparison.diff.rows.map(\.unchanged) == [3])
        #expect(told == [2, 3])
    }

    @Test func `an event is evaluated as at the time at which it was received`() async throws {
        let store = MemoryStore()
        let body = #"{"name":"PACKAGE_CREATE","createdDate":"\#(Self.start.rfc3339)"}"#
        for hours in [1.0, 3] {
            let time = Self.start.addingTimeInterval(hours * 3_600)
            _ = try await store.append(SampleDelivery.delivery(body, isUnique: true), at: time)
        }
        let old = try Self.ruleSet([("late", "{ createdDate: { older_than: 30m } }", "a")])
        let new = try Self.ruleSet([("late", "{ createdDate: { older_than: 2h } }", "a")])
        var comparison = RuleSetComparison(old: old, new: new, examples: 1)
        try await comparison.evaluate(store, since: nil, until: Self.start)
        #expect(comparison.diff.rows[0].removed.examples.map(\.event.rawValue) == [1])
        #expect(comparison.diff.rows[0].unchanged == 1)
    }
}
