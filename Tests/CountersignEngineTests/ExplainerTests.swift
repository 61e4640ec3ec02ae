import CountersignCore
import CountersignEngine
import CountersignRules
import CountersignStore
import CountersignTesting
import Foundation
import Testing

@Suite(.timeLimit(.minutes(1)))
struct ExplainerTests {
    private static let rules = """
        rules:
          - id: disabled
            enabled: false
            when: { event: PACKAGE_COMPLETE }
            then: [{ probe: d }]
          - id: complete
            when: { event: PACKAGE_COMPLETE, packageId: P1 }
            then: [{ probe: a }]
          - id: opt-out
            when: { event: PACKAGE_OPT_OUT }
            then: [{ probe: b }]
          - id: fresh
            when: { createdDate: { newer_than: 1h } }
            then: [{ probe: c }]
        """

    private let shop = EngineFixture()

    private func explainer(_ catalogue: [ActionDeclaration] = [ScriptedAction.declaration]) -> Explainer {
        Explainer(archive: shop.store, compiler: RuleCompiler(catalogue: catalogue))
    }

    /// Takes in an event that was created just now.
    private func receiveFresh() async throws {
        let created = shop.clock.now.addingTimeInterval(-60).rfc3339
        try await shop.receive(#"{"name":"PACKAGE_COMPLETE","packageId":"P1","createdDate":"\#(created)"}"#)
    }

    private static let first = Event.ID(rawValue: 1)

    @Test func `an event is explained by its kept matches, as at the time at which it was evaluated`() async throws {
        try await shop.use(Self.rules)
        try await receiveFresh()
        shop.clock.advance(by: .seconds(86_400))
        let explanation = try await explainer().explain(Self.first, at: shop.clock.now)
        #expect(explanation.rules.map(\.ruleID) == ["disabled", "complete", "opt-out", "fresh"])
        #expect(explanation.rules.map(\.kept) == [false, true, false, true])
        #expect(explanation.rules.map(\.matches) == [false, true, false, true])
        #expect(explanation.rules.allSatisfy { !$0.isContradicted })
        let counterfactual = Counterfactual.change(
            .init(path: "event", requirement: "be 'PACKAGE_OPT_OUT'", isNegated: false)
        )
        #expect(explanation.rules.map(\.counterfactual) == [nil, nil, counterfactual, nil])
    }

    @Test func `the rules that evaluated an event explain it, not those active since`() async throws {
        try await shop.use(Self.rules)
        try await receiveFresh()
        let version = try #require(shop.book.current?.ruleSet.version)
        try await shop.use("rules: [{ id: other, when: { event: X_OTHER }, then: [{ probe: a }] }]")
        let explanation = try await explainer().explain(Self.first, at: shop.clock.now)
        #expect(explanation.ruleSet == version)
        #expect(explanation.rules.count == 4)
    }

    @Test func `a result that this program would not give is reported`() async throws {
        try await shop.use(Self.rules)
        let event = try await shop.store.append(SampleDelivery.numbered(1), at: shop.clock.now).eventID
        let version = try #require(shop.book.current?.ruleSet.version)
        let matchSet = MatchSet([false, true, false, false])
        let dispatch = Dispatch(eventID: event, ruleSet: version, ruleIDs: [], matchSet: matchSet)
        try await shop.store.dispatch([dispatch], at: shop.clock.now)
        let explanation = try await explainer().explain(event, at: shop.clock.now)
        #expect(explanation.rules.map(\.isContradicted) == [false, true, false, false])
    }

    @Test func `an event that waits is explained by the last active rules, as at now`() async throws {
        try await shop.use(Self.rules)
        let created = shop.clock.now.rfc3339
        let body = #"{"name":"PACKAGE_OPT_OUT","createdDate":"\#(created)"}"#
        _ = try await shop.store.append(SampleDelivery.delivery(body), at: shop.clock.now)
        shop.clock.advance(by: .seconds(7_200))
        let explanation = try await explainer().explain(Self.first, at: shop.clock.now)
        #expect(!explanation.isEvaluated)
        #expect(explanation.rules.map(\.kept) == [nil, nil, nil, nil])
        #expect(explanation.rules.map(\.matches) == [false, false, true, false])
    }

    @Test func `one rule is picked by its id, and a slip of the pen is recognized`() async throws {
        try await shop.use(Self.rules)
        try await receiveFresh()
        let explanation = try await explainer().explain(Self.first, at: shop.clock.now)
        #expect(try explanation.only("fresh").rules.map(\.kept) == [true])
        let expected = ExplanationError.noSuchRule("opt-ot", explanation.ruleSet, suggestion: "opt-out")
        #expect(throws: expected) { try explanation.only("opt-ot") }
        #expect(expected.description.hasSuffix("has no rule 'opt-ot'; did you mean 'opt-out'?"))
    }

    @Test func `what cannot be explained is reported`() async throws {
        await #expect(throws: ExplanationError.noSuchEvent(Self.first)) {
            try await explainer().explain(Self.first, at: shop.clock.now)
        }
        _ = try await shop.store.append(SampleDelivery.numbered(1), at: shop.clock.now)
        await #expect(throws: ExplanationError.noRules(Self.first)) {
            try await explainer().explain(Self.first, at: shop.clock.now)
        }
        try await shop.use(Self.rules)
        _ = try await shop.dispatcher.dispatchBatch()
        await #expect {
            try await explainer([]).explain(Self.first, at: shop.clock.now)
        } throws: { error in
            guard case .unusable(Self.first, _, let reason) = error as? ExplanationError else { return false }
            return reason.contains("probe")
        }
    }

    @Test func `each replay is explained by the rules that it went by`() async throws {
        try await shop.use("rules: [{ id: late, when: { event: X_NEVER }, then: [{ probe: a }] }]")
        try await receiveFresh()
        try await shop.use(Self.rules)
        let order = ReplayRequest(events: [Self.first], ruleID: nil, restartsEnded: false, isDryRun: false)
        _ = try await Replayer(store: shop.store, book: shop.book, clock: shop.clock).replay(order)
        let explanation = try await explainer().explain(Self.first, at: shop.clock.now)
        #expect(explanation.rules.map(\.ruleID) == ["late"] && explanation.rules.map(\.kept) == [false])
        let replay = try #require(explanation.replays.first)
        #expect(explanation.replays.count == 1 && replay.ruleSet == shop.book.current?.ruleSet.version)
        #expect(replay.rules?.filter { $0.kept == true }.map(\.ruleID) == ["complete", "fresh"])
        #expect(try explanation.only("late").replays.first?.rules?.isEmpty == true)
    }

    @Test func `a value of a package that nobody has fetched is not called absent`() async throws {
        try await shop.use("rules: [{ id: p, when: { event: X_A, package.status: COMPLETED }, then: [{ probe: a }] }]")
        try await shop.receive(#"{"name":"PACKAGE_COMPLETE","packageId":"P1"}"#)
        let rule = try #require(try await explainer().explain(Self.first, at: shop.clock.now).rules.first)
        guard case .all(let parts) = rule.condition else { return #expect(Bool(false), "\(rule.condition)") }
        let findings = parts.compactMap { if case .test(let finding) = $0 { finding } else { nil } }
        #expect(findings.map(\.path) == ["event", "package.status"])
        #expect(findings.map(\.isUnknown) == [false, true] && findings.last?.actual == nil)
    }
}
