import CountersignCore
import CountersignOneSpan
import CountersignOutbound
import CountersignStore
import CountersignTesting
import Foundation
import Logging
import Synchronization
import Testing

/// Polling by itself, on a clock that is moved by hand.
@Suite(.timeLimit(.minutes(1)))
struct PollingServiceTests {
    /// A vendor who has no packages, or lets nobody in.
    private final class Vendor: HTTPSending {
        let isClosed = Mutex(false)

        func send(
            _ request: OutgoingRequest,
            to receiver: (any BodyReceiving)?
        ) async throws(ExchangeError) -> IncomingAnswer {
            if isClosed.withLock({ $0 }) { return IncomingAnswer(status: 401, headers: [], body: []) }
            try await receiver?.receive(JSON.object(["count": 0, "results": []]).bytes)
            return IncomingAnswer(status: 200, headers: [], body: [])
        }
    }

    private let clock = ManualClock()
    private let store = MemoryStore()
    private let vendor = Vendor()

    private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    private func poller() -> Poller {
        let access = OneSpanAccess(baseURL: "http://vendor") { () throws(APIFailure) in .apiKey("key") }
        let client = OneSpanClient(access: access, http: vendor, clock: clock)
        return Poller(client: client, store: store, as: "test", overlap: 3_600, logger: logger)
    }

    private func service() -> PollingService {
        PollingService(
            poller: poller(),
            archive: store,
            reporter: IncidentReporter(store: store, clock: clock),
            interval: 21_600,
            clock: clock,
            logger: logger
        )
    }

    /// Has the service poll as often, and stops it in the wait behind the last one.
    private func poll(_ times: Int) async throws {
        let service = service()
        let polling = Task { try await service.run() }
        for number in 1...times {
            await clock.untilSleeping()
            if number < times { clock.advance(by: .seconds(21_600)) }
        }
        polling.cancel()
        try await polling.value
    }

    private func raised() async throws -> [JSON] {
        try await store.events(EventQuery(limit: 100)).reversed().map(\.event.payload)
    }

    @Test func `the third failure in a row is reported, once over restarts, and so is the poll that finishes`()
        async throws
    {
        try await poll(1)
        let finished = try #require(try await store.pollState()?.finishedAt)
        vendor.isClosed.withLock { $0 = true }
        clock.advance(by: .seconds(21_600))
        let start = clock.now
        try await poll(2)
        #expect(try await raised().isEmpty)
        try await poll(6)
        try await poll(4)
        let told = try await raised()
        #expect(told.map { $0["name"] } == ["X_POLL_FAILED"])
        #expect(told.first?["failures"] == 3 && told.first?["lastFinished"] == .string(finished.rfc3339))
        #expect(told.first?["reason"]?.string?.contains("401") == true, "\(told)")
        vendor.isClosed.withLock { $0 = false }
        try await poll(3)
        let end = try #require(try await raised().last)
        #expect(end["name"] == "X_POLL_RECOVERED" && end["recovered"] == 0)
        #expect(end["since"]?.string.flatMap { Date(rfc3339: $0) }.map { $0 > start } == true)
        #expect(try await raised().count == 2)
    }

    @Test func `while another instance polls it waits, and takes over when that one is gone`() async throws {
        let other = Lease(id: "other", for: .seconds(60))
        _ = try await store.take(.poll, as: "web2", under: other, at: clock.now)
        let service = service()
        let polling = Task { try await service.run() }
        for _ in 1...3 {
            await clock.untilSleeping()
            #expect(try await store.pollState() == nil)
            clock.advance(by: SingletonLock.pause)
        }
        await clock.untilSleeping()
        #expect(try await store.pollState()?.finishedAt == clock.now)
        polling.cancel()
        try await polling.value
    }

    @Test func `what another instance polled need not be polled again`() async throws {
        try await poll(1)
        let service = service()
        let polling = Task { try await service.run() }
        await clock.untilSleeping()
        // Meanwhile another instance has polled.
        clock.advance(by: .seconds(10_000))
        _ = try await poller().poll()
        let finished = try #require(try await store.pollState()?.finishedAt)
        clock.advance(by: .seconds(11_600))
        await clock.untilSleeping()
        #expect(try await store.pollState()?.finishedAt == finished)
        clock.advance(by: .seconds(10_000))
        await clock.untilSleeping()
        #expect(try await store.pollState()?.finishedAt == clock.now)
        polling.cancel()
        try await polling.value
    }
}
