import CountersignCore
import CountersignEngine
import CountersignStore
import CountersignTesting
import Foundation
import ServiceLifecycle
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1)))
struct RunnerTests {
    private static let rule = """
        rules:
          - id: r
            when: { event: PACKAGE_COMPLETE }
            then:
              - { probe: "${event.packageId}", timeout: 1h, retry: { attempts: 2, first: 5s } }
        """

    private func runner(_ shop: EngineFixture, workers: Int) -> Runner {
        let ids = Counter()
        return Runner(
            worker: shop.worker,
            settings: EngineSettings(workers: workers),
            clock: shop.clock,
            logger: shop.logger,
            makeLeaseID: { "lease-\(ids.next())" }
        )
    }

    /// Waits until `count` runs have succeeded.
    private func untilSucceeded(_ count: Int, _ shop: EngineFixture) async throws {
        while try await shop.store.runCounts()[.succeeded] != count { await Task.yield() }
    }

    @Test func `never more runs are under way than there are workers`() async throws {
        let underWay = Mutex(0)
        let peak = Mutex(0)
        let gate = Gate()
        let shop = EngineFixture { _ in
            let now = underWay.withLock { count in
                count += 1
                return count
            }
            peak.withLock { $0 = max($0, now) }
            if now == 3 { gate.open() }
            await gate.wait()
            underWay.withLock { $0 -= 1 }
            return [:]
        }
        try await shop.use(Self.rule)
        for number in 1...7 { try await shop.receive(#"{"name":"PACKAGE_COMPLETE","packageId":"\#(number)"}"#) }
        let work = Task { try await runner(shop, workers: 3).run() }
        try await untilSucceeded(7, shop)
        #expect(peak.withLock { $0 } == 3)
        work.cancel()
        try await work.value
    }

    @Test func `a run lets go of its worker when only its result is left to be written`() async throws {
        let order = Mutex<[String]>([])
        let shop = EngineFixture { _ in
            order.withLock { $0.append("acted") }
            return [:]
        }
        try await shop.use(Self.rule)
        try await shop.receive()
        let lease = Lease(id: EngineFixture.lease, for: .seconds(60))
        let run = try #require(try await shop.store.claim(limit: 1, lease: lease, at: shop.clock.now).first)
        await shop.worker.work(on: run, lease: lease.id) {
            false
        } lettingGo: {
            order.withLock { $0.append("let go") }
        }
        #expect(order.withLock { $0 } == ["acted", "let go"])
        #expect(try await shop.onlyRun().run.state == .succeeded)
    }

    @Test func `a run is taken up again at its due time`() async throws {
        let tries = Counter()
        let shop = EngineFixture { _ throws(StepFailure) in
            if tries.next() == 1 { throw StepFailure("again") }
            return [:]
        }
        try await shop.use(Self.rule)
        try await shop.receive()
        let work = Task { try await runner(shop, workers: 2).run() }
        await shop.action.untilCalled(1)
        while try await shop.store.nextDue() == nil { await Task.yield() }
        // The runner sleeps until the due time, and the keeper of the leases until its next round.
        await shop.clock.untilSleeping(count: 2)
        shop.clock.advance(by: .seconds(5))
        try await untilSucceeded(1, shop)
        #expect(shop.action.calls.count == 2)
        work.cancel()
        try await work.value
    }

    @Test func `behind a standstill a claim that comes to count late is left to its owner, and a dead one is not`()
        async throws
    {
        let gate = Gate()
        let shop = EngineFixture { _ in
            await gate.wait()
            return [:]
        }
        try await shop.use(Self.rule)
        try await shop.receive()
        let work = Task { try await runner(shop, workers: 1).run() }
        await shop.action.untilCalled(1)
        try await shop.receive(#"{"name":"PACKAGE_COMPLETE","packageId":"P2"}"#)
        // With its only worker busy the runner claims nothing; so this is one that was in progress when all stood still.
        let late = Lease(id: "late", for: .seconds(60))
        let run = try #require(try await shop.store.claim(limit: 1, lease: late, at: shop.clock.now).first?.run)
        // The time of the step under way, and the keeper of the leases.
        await shop.clock.untilSleeping(count: 2)
        shop.clock.advance(by: .seconds(65))
        await shop.clock.untilSleeping(count: 2)
        #expect(try await shop.store.run(run.id)?.run.state == .running)
        shop.clock.advance(by: .seconds(20))
        await shop.clock.untilSleeping(count: 2)
        #expect(try await shop.store.run(run.id)?.run.state == .queued)
        gate.open()
        try await untilSucceeded(2, shop)
        work.cancel()
        try await work.value
    }

    @Test func `what a dead program left under way goes on, and the interruption is written down`() async throws {
        let shop = EngineFixture()
        try await shop.use(Self.rule)
        try await shop.receive()
        let lease = Lease(id: "dead", for: .seconds(60))
        let claimed = try #require(try await shop.store.claim(limit: 1, lease: lease, at: shop.clock.now).first)
        try await shop.store.begin(
            stepID: "probe",
            attempt: 1,
            of: claimed.run.id,
            lease: "dead",
            at: shop.clock.now
        )
        let work = Task { try await runner(shop, workers: 1).run() }
        try await untilSucceeded(1, shop)
        #expect(try await shop.onlyRun().story == ["probe interrupted", "probe succeeded"])
        work.cancel()
        try await work.value
    }
}

/// Lets through whoever waits once it is opened.
private final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    func wait() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiting.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }

    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}
