import CountersignActions
import CountersignCore
import CountersignEngine
import CountersignOutbound
import CountersignRules
import CountersignStore
import CountersignTesting
import Foundation
import Logging
import Synchronization
import Testing

struct DestinationLimiterTests {
    private let now = Date(timeIntervalSince1970: 1_000)

    private func isGranted(_ admission: DestinationLimiter.Permit) -> Bool {
        if case .granted = admission { true } else { false }
    }

    @Test func `a destination takes as many as its lane holds, another one is not touched`() {
        let limiter = DestinationLimiter(capacity: 2)
        #expect(isGranted(limiter.acquire("a:80", at: now)))
        #expect(isGranted(limiter.acquire("a:80", at: now)))
        guard case .refused(let wait, let until) = limiter.acquire("a:80", at: now) else {
            Issue.record("a third one was admitted")
            return
        }
        #expect(wait == RunWait(destination: "a:80", reason: "2 steps are already in progress there"))
        #expect(until > now)
        #expect(isGranted(limiter.acquire("b:80", at: now)))
        #expect(limiter.release("a:80", .answered, isProbe: false, at: now).resumable == 1)
        #expect(isGranted(limiter.acquire("a:80", at: now)))
    }

    @Test func `outages in a row close a destination off, and a probe that succeeds lets the waiting through`() {
        let limiter = DestinationLimiter(capacity: 2, policy: .init(threshold: 2, firstPause: .seconds(10)))
        for _ in 0..<2 {
            _ = limiter.acquire("a:80", at: now)
            _ = limiter.release("a:80", .outage, isProbe: false, at: now)
        }
        let until = now.addingTimeInterval(10)
        #expect(limiter.open == ["a:80": until])
        let reason = "its circuit is open: the last attempts failed"
        #expect(
            limiter.acquire("a:80", at: now) == .refused(RunWait(destination: "a:80", reason: reason), until: until)
        )
        #expect(isGranted(limiter.acquire("a:80", at: until)))
        let result = limiter.release("a:80", .answered, isProbe: true, at: until)
        #expect(result.ended == .init(since: now, tries: 1) && result.resumable == 2)
        #expect(limiter.open.isEmpty)
    }

    @Test func `while it is down one run comes at the end of the pause, the others when they are woken`() {
        let limiter = DestinationLimiter(capacity: 2, policy: .init(threshold: 1, firstPause: .seconds(10)))
        _ = limiter.acquire("a:80", at: now)
        _ = limiter.release("a:80", .outage, isProbe: false, at: now)
        let dues = (0..<3)
            .map { _ -> TimeInterval in
                guard case .refused(_, let until) = limiter.acquire("a:80", at: now) else { return 0 }
                return until.timeIntervalSince(now)
            }
        #expect(dues == [10, 610, 610])
    }

    @Test func `a run that was refused looks again, so that a place that got free meanwhile is not missed`() {
        let limiter = DestinationLimiter(capacity: 1)
        #expect(isGranted(limiter.acquire("a:80", at: now)))
        #expect(!isGranted(limiter.acquire("a:80", at: now)))
        // The last one leaves, and finds nobody in the store yet.
        #expect(limiter.release("a:80", .answered, isProbe: false, at: now).resumable == 1)
        limiter.wasEmptied("a:80")
        #expect(limiter.lookAgain("a:80") == 1)
        // With the place taken again, whoever leaves next must wake the one that looked.
        #expect(isGranted(limiter.acquire("a:80", at: now)))
        #expect(limiter.lookAgain("a:80") == 0)
        #expect(limiter.release("a:80", .answered, isProbe: false, at: now).resumable == 1)
    }

    @Test func `who opens a circuit learns until when`() {
        let limiter = DestinationLimiter(capacity: 2, policy: .init(threshold: 1, firstPause: .seconds(10)))
        _ = limiter.acquire("a:80", at: now)
        #expect(limiter.release("a:80", .outage, isProbe: false, at: now).opensUntil == now.addingTimeInterval(10))
    }

    /// A rule that posts to a server that is down beside one that posts to a good one.
    private static let rules = """
        rules:
          - id: bad
            when: { event: PACKAGE_COMPLETE }
            then: [{ http: "http://down.internal/x", retry: { attempts: 20, first: 1s, max: 1s } }]
          - id: good
            when: { event: PACKAGE_COMPLETE }
            then: [{ http: "http://up.internal/x" }]
        """

    @Test func `a destination that is down stalls nobody else, and no attempt is charged while it is`() async throws {
        let street = try await Street(rules: Self.rules)
        try await street.receive(30)
        try await street.work()
        let runs = try await street.store.runs(RunQuery(limit: 100))
        #expect(runs.count { $0.ruleID == "good" && $0.state == .succeeded } == 30)
        let waiting = runs.filter { $0.wait?.destination == "down.internal:80" }
        #expect(!waiting.isEmpty)
        // Five outages open the breaker; what comes behind them is sent back untouched.
        #expect(street.network.calls["down.internal"] == 5)
        for run in waiting {
            #expect(try await street.store.run(run.id)?.records.isEmpty == true)
        }
        // Until the time of the probe nothing is tried.
        street.clock.advance(by: .seconds(5))
        try await street.work()
        #expect(street.network.calls["down.internal"] == 5)
        street.network.isUp = true
        street.clock.advance(by: .seconds(10))
        for _ in 0..<100 {
            try await street.work()
            street.clock.advance(by: .seconds(2))
        }
        let after = try await street.store.runs(RunQuery(limit: 100))
        #expect(after.allSatisfy { $0.state == .succeeded && $0.wait == nil })
    }

    @Test func `an outage begins once and ends once, however many probes fail in between`() {
        let limiter = DestinationLimiter(
            capacity: 1,
            policy: .init(threshold: 1, firstPause: .seconds(10), ceiling: .seconds(10))
        )
        _ = limiter.acquire("a:80", at: now)
        #expect(limiter.release("a:80", .outage, isProbe: false, at: now).opensUntil == now.addingTimeInterval(10))
        for generation in 1...3 {
            let later = now.addingTimeInterval(Double(generation) * 20)
            #expect(limiter.acquire("a:80", at: later) == .granted(isProbe: true))
            let result = limiter.release("a:80", .outage, isProbe: true, at: later)
            #expect(result.opensUntil == nil && result.ended == nil)
        }
        let end = now.addingTimeInterval(100)
        #expect(limiter.acquire("a:80", at: end) == .granted(isProbe: true))
        #expect(limiter.release("a:80", .answered, isProbe: true, at: end).ended == .init(since: now, tries: 4))
    }
}

/// The engine over two servers, one of which is down.
private final class Street: Sendable {
    let store = MemoryStore()
    let clock = ManualClock()
    let network = Network()
    private let worker: RunWorker
    private let dispatcher: Dispatcher

    init(rules: String) async throws {
        let registry = ActionRegistry.builtIn
        let book = RuleBook(
            compiler: RuleCompiler(catalogue: registry.declarations),
            store: store,
            folder: "/rules",
            instance: "one",
            clock: clock,
            loadSecrets: { _ in Secrets([:]) }
        )
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        worker = RunWorker(
            store: store,
            book: book,
            planner: Planner(registry: registry),
            services: ActionServices(outputRoot: "/nowhere", http: network, clock: clock),
            clock: clock,
            logger: logger,
            spread: { 1 }
        )
        dispatcher = Dispatcher(store: store, book: book, clock: clock, logger: logger)
        if case .refused(let findings) = try await book.install(.single(rules), because: .folder) {
            Issue.record("\(findings)")
        }
    }

    func receive(_ count: Int) async throws {
        for number in 1...count {
            let body = #"{"name":"PACKAGE_COMPLETE","packageId":"P\#(number)"}"#
            _ = try await store.append(SampleDelivery.delivery(body, isUnique: true), at: clock.now)
        }
        _ = try await dispatcher.dispatchBatch()
    }

    func work() async throws {
        let lease = Lease(id: "lease", for: .seconds(60))
        for run in try await store.claim(limit: 100, lease: lease, at: clock.now) {
            await worker.work(on: run, lease: lease.id) { false }
        }
    }

    final class Network: HTTPSending {
        private let state = Mutex((calls: [String: Int](), isUp: false))

        var calls: [String: Int] { state.withLock { $0.calls } }

        var isUp: Bool {
            get { state.withLock { $0.isUp } }
            set { state.withLock { $0.isUp = newValue } }
        }

        func send(
            _ request: OutgoingRequest,
            to _: (any BodyReceiving)?
        ) async throws(ExchangeError) -> IncomingAnswer {
            let host = String(request.url.split(separator: "/")[1])
            let answers = state.withLock { state in
                state.calls[host, default: 0] += 1
                return host == "up.internal" || state.isUp
            }
            guard answers else { throw ExchangeError("no connection: connection refused") }
            return IncomingAnswer(status: 200, headers: [], body: [])
        }
    }
}
