import CountersignCore
import CountersignEngine
import CountersignStore
import CountersignTesting
import Foundation
import Logging
import Testing

/// What instances tell each other of destinations that are down, on a clock that is moved by hand.
struct CircuitSharingTests {
    private let store = MemoryStore(isShared: true)
    private let clock = ManualClock()
    private let one = DestinationLimiter(capacity: 2, policy: .init(threshold: 2, firstPause: .seconds(10)))
    private let two = DestinationLimiter(capacity: 2, policy: .init(threshold: 2, firstPause: .seconds(10)))

    private func share(_ limiters: DestinationLimiter...) async throws {
        for limiter in limiters {
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            try await CircuitSharing(store: store, limiter: limiter, clock: clock, logger: logger).share()
        }
    }

    /// Has the circuit of `erp:443` open at one of them.
    private func open(_ limiter: DestinationLimiter, isLocal: Bool = false) {
        for _ in 0..<2 {
            _ = limiter.acquire("erp:443", isLocal: isLocal, at: clock.now)
            _ = limiter.release("erp:443", .outage, isProbe: false, at: clock.now)
        }
    }

    private func after(_ seconds: Double) -> Date { clock.now.addingTimeInterval(seconds) }

    /// Until when a step is refused; nil where it is not.
    private func refusal(_ limiter: DestinationLimiter) -> Date? {
        guard case .refused(_, let until) = limiter.acquire("erp:443", at: clock.now) else { return nil }
        return until
    }

    @Test func `a circuit that one opens holds the other back, and one that one closes lets the other go on`()
        async throws
    {
        open(one)
        #expect(one.circuitChanges.take())
        try await share(one, two)
        #expect(two.open == ["erp:443": after(10)])
        #expect(refusal(two) == after(10))
        clock.advance(by: .seconds(10))
        #expect(one.acquire("erp:443", at: clock.now) == .granted(isProbe: true))
        #expect(one.release("erp:443", .answered, isProbe: true, at: clock.now).ended?.tries == 1)
        let event = try await store.append(SampleDelivery.numbered(1), at: clock.now).eventID
        let dispatch = Dispatch(
            eventID: event,
            ruleSet: RuleSetVersion(rawValue: "v"),
            ruleIDs: ["rule"],
            matchSet: MatchSet([true])
        )
        try await store.dispatch([dispatch], at: clock.now)
        let run = try #require(
            try await store.claim(limit: 1, lease: Lease(id: "w", for: .seconds(60)), at: clock.now).first?.run.id
        )
        let wait = RunWait(destination: "erp:443", reason: "it is down")
        try await store.release(run, lease: "w", to: .waiting(wait, dueAt: after(600)), recording: nil, at: clock.now)
        try await share(one, two)
        #expect(two.open.isEmpty && one.open.isEmpty)
        #expect(try await store.openCircuits().isEmpty)
        #expect(try await store.run(run)?.run.dueAt == clock.now, "a run that waits at the other one is woken")
        #expect(refusal(two) == nil)
    }

    @Test func `a probe that fails at one keeps the other away, twice as long`() async throws {
        open(one)
        try await share(one, two)
        clock.advance(by: .seconds(10))
        #expect(try await store.takeProbe(of: "erp:443", for: .seconds(60), at: clock.now) == .granted)
        #expect(one.acquire("erp:443", at: clock.now) == .granted(isProbe: true))
        // While the one probes, the other one waits for it, also where it has not heard of it yet.
        #expect(two.acquire("erp:443", at: clock.now) == .granted(isProbe: true))
        let refused = two.refuseProbe(of: "erp:443", until: after(60))
        #expect(refused == .refused(RunWait(destination: "erp:443", reason: Self.reason), until: after(60)))
        try await share(two)
        _ = one.release("erp:443", .outage, isProbe: true, at: clock.now)
        try await share(one, two)
        #expect(one.open == ["erp:443": after(20)] && two.open == one.open)
        // Whoever probes next goes on from there.
        clock.advance(by: .seconds(20))
        #expect(two.acquire("erp:443", at: clock.now) == .granted(isProbe: true))
        _ = two.release("erp:443", .outage, isProbe: true, at: clock.now)
        try await share(two, one)
        #expect(one.open == ["erp:443": after(40)])
    }

    private static let reason = "its circuit is open: the last attempts failed"

    @Test func `an instance that starts learns what is down, and what it knows first is not closed for lack of a row`()
        async throws
    {
        open(one)
        // Read before it was written: it stays open.
        #expect(one.adopt([], known: one.shared).closed.isEmpty)
        try await share(one)
        let restarted = DestinationLimiter(capacity: 2)
        try await share(restarted)
        #expect(restarted.open == one.open)
        clock.advance(by: .seconds(10))
        #expect(restarted.acquire("erp:443", at: clock.now) == .granted(isProbe: true))
        _ = restarted.release("erp:443", .answered, isProbe: true, at: clock.now)
        try await share(restarted, one)
        #expect(one.open.isEmpty)
    }

    @Test func `a program of this machine says nothing to the others`() async throws {
        open(one, isLocal: true)
        #expect(!one.open.isEmpty)
        try await share(one, two)
        #expect(two.open.isEmpty)
    }

    @Test func `while the store cannot be reached each goes by what it has seen itself`() async throws {
        open(one)
        await store.close()
        await #expect(throws: StoreError.self) { try await share(one) }
        #expect(refusal(one) == after(10))
        clock.advance(by: .seconds(10))
        #expect(one.acquire("erp:443", at: clock.now) == .granted(isProbe: true))
        #expect(one.release("erp:443", .answered, isProbe: true, at: clock.now).ended != nil)
        #expect(one.open.isEmpty)
    }
}
