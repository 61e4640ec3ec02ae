import CountersignActions
import CountersignCore
import CountersignEngine
import CountersignStore
import CountersignTesting
import Foundation
import Testing

/// What tells that a run failed for good.
@Suite(.timeLimit(.minutes(1)))
struct RunFailedTests {
    private static let rules = """
        rules:
          - id: chain
            when: { event: PACKAGE_COMPLETE }
            then: [{ id: erp, probe: x, retry: { attempts: 2, first: 1s } }]
        """

    private static func failing(_ names: Set<String> = []) -> EngineFixture {
        EngineFixture { call throws(StepFailure) in
            if names.isEmpty || names.contains(call.context.event.name) { throw .final("no luck") }
            return [:]
        }
    }

    /// Evaluates and works until nothing is left to do.
    private func settle(_ shop: EngineFixture) async throws {
        for _ in 1...20 {
            try await shop.work()
            if try await shop.dispatcher.dispatchBatch() == 0 { return }
        }
        Issue.record("there is no end")
    }

    private func failures(_ shop: EngineFixture) async throws -> [JSON] {
        try await shop.store.events(EventQuery(name: "X_RUN_FAILED", limit: 100)).reversed().map(\.event.payload)
    }

    @Test func `it names the run, its rule and event, and the step that failed with its reason`() async throws {
        let shop = Self.failing()
        try await shop.use(Self.rules)
        try await shop.receive(#"{"name":"PACKAGE_COMPLETE","packageId":"P1","sessionUser":"U1"}"#)
        try await shop.work()
        let told = try #require(try await failures(shop).first)
        #expect(
            told == [
                "name": "X_RUN_FAILED", "run": 1, "rule": "chain", "step": "erp", "reason": "no luck", "event": 1,
                "eventName": "PACKAGE_COMPLETE", "packageId": "P1", "sessionUser": "U1",
                "countersign": ["parent": 1, "root": 1, "rule": "chain", "hops": 1, "chain": ["PACKAGE_COMPLETE"]],
                "createdDate": .string(shop.clock.now.rfc3339),
            ]
        )
        let names = Set(SystemEvent.runFailed.fieldNames)
        #expect(told.object?.keys.allSatisfy { names.contains($0) } == true, "each field is in the reference")
    }

    @Test func `a step that will be tried again tells nothing`() async throws {
        let shop = EngineFixture { _ throws(StepFailure) in throw StepFailure("busy") }
        try await shop.use(Self.rules)
        try await shop.receive()
        try await shop.work()
        #expect(try await failures(shop).isEmpty)
        shop.clock.advance(by: .seconds(5))
        try await shop.work()
        #expect(try await failures(shop).count == 1)
    }

    @Test func `a run that is retried and fails again is reported again, and one that succeeds is not`() async throws {
        let shop = Self.failing()
        try await shop.use(Self.rules)
        try await shop.receive()
        try await shop.work()
        try await shop.store.retry(.init(rawValue: 1), at: shop.clock.now)
        try await shop.work()
        #expect(try await failures(shop).map { $0["run"] } == [1, 1])
    }

    @Test func `a rule that answers a failed run and fails itself raises no further alert`() async throws {
        let shop = Self.failing()
        try await shop.use(Self.rules + "\n  - { id: alert, when: { event: X_RUN_FAILED }, then: [{ probe: x }] }")
        try await shop.receive()
        try await settle(shop)
        #expect(try await failures(shop).count == 1)
        let runs = try await shop.store.runs(RunQuery()).map { "\($0.ruleID) \($0.state.rawValue)" }
        #expect(runs == ["alert failed", "chain failed"])
    }

    @Test func `a rule about every event that always fails comes to rest`() async throws {
        let shop = Self.failing()
        try await shop.use(#"rules: [{ id: all, when: { event: "*" }, then: [{ probe: x }] }]"#)
        try await shop.receive()
        try await settle(shop)
        #expect(try await failures(shop).count == 1)
        #expect(try await shop.store.runs(RunQuery()).count == 2)
    }

    @Test func `an event that a rule raised, and that led there by a failed run, raises no alert either`() async throws
    {
        let shop = Self.failing(["X_TICKET"])
        try await shop.use(#"rules: [{ id: ticket, when: { event: X_TICKET }, then: [{ probe: x }] }]"#)
        for (chain, count) in [(["PACKAGE_COMPLETE"], 1), (["PACKAGE_COMPLETE", "X_RUN_FAILED"], 1)] {
            let names = JSON.array(chain.map { .string($0) })
            let payload: JSON = ["name": "X_TICKET", "countersign": ["chain": names]]
            let delivery = Delivery(
                name: "X_TICKET",
                payload: payload,
                body: payload.bytes,
                origin: .rule,
                deduplicationKey: nil
            )
            _ = try await shop.store.append(delivery, at: shop.clock.now)
            try await settle(shop)
            #expect(try await failures(shop).count == count)
        }
    }

    @Test func `a run whose rule set is lost is reported`() async throws {
        let shop = Self.failing()
        _ = try await shop.store.append(SampleDelivery.numbered(1), at: shop.clock.now)
        let lost = Dispatch(
            eventID: .init(rawValue: 1),
            ruleSet: .init(rawValue: "lost"),
            ruleIDs: ["gone"],
            matchSet: MatchSet(matches: [0])
        )
        try await shop.store.dispatch([lost], at: shop.clock.now)
        try await shop.work()
        let told = try #require(try await failures(shop).first)
        #expect(told["rule"] == "gone" && told["step"] == .null && told["packageId"] == "package-1")
        #expect(told["reason"]?.string?.contains("it is not in the store") == true)
    }

    @Test func `a reason without end is cut, and holds no secret`() async throws {
        let shop = EngineFixture(secrets: ["TOKEN": "s3cret"]) { _ throws(StepFailure) in
            throw .final("s3cret " + String(repeating: "x", count: 5_000))
        }
        let rules = Self.rules.replacing("probe: x", with: #"probe: { say: x, key: "${secret:TOKEN}" }"#)
        try await shop.use(rules)
        try await shop.receive()
        try await shop.work()
        let reason = try #require(try await failures(shop).first?["reason"]?.string)
        #expect(reason.hasPrefix("••• xxx") && reason.count == 2_001)
    }
}
