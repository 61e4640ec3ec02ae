import CountersignCore
import CountersignOneSpan
import CountersignStore
import CountersignTesting
import Foundation
import Logging
import Testing

/// The watch over callbacks that do not come, on a clock that is moved by hand.
struct CallbackMonitorTests {
    private let store = MemoryStore()
    private let clock = ManualClock()
    private let watch: CallbackMonitor

    init() {
        watch = CallbackMonitor(
            store: store,
            as: "test",
            limit: .seconds(86_400),
            clock: clock,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
    }

    private func receive(_ name: String, _ package: String, origin: Event.Origin = .callback) async throws {
        let payload: JSON = ["name": .string(name), "packageId": .string(package)]
        let delivery = Delivery(
            name: name,
            payload: payload,
            body: payload.bytes,
            origin: origin,
            deduplicationKey: nil
        )
        _ = try await store.append(delivery, at: clock.now)
    }

    /// The events of our own, as `name package`.
    private func raised() async throws -> [String] {
        try await store.events(EventQuery(origin: .rule)).reversed()
            .map { "\($0.event.name) \($0.event.payload["packageId"]?.string ?? "-")" }
    }

    @Test func `silence is reported once, and again only after a callback has come`() async throws {
        try await watch.look()
        clock.advance(by: .seconds(86_399))
        try await watch.look()
        #expect(try await raised().isEmpty)
        clock.advance(by: .seconds(1))
        try await watch.look()
        clock.advance(by: .seconds(86_400))
        try await watch.look()
        #expect(try await raised() == ["X_NO_CALLBACKS -"])
        try await receive("PACKAGE_CREATE", "p")
        try await watch.look()
        clock.advance(by: .seconds(86_400))
        try await watch.look()
        #expect(try await raised() == ["X_NO_CALLBACKS -", "X_NO_CALLBACKS -"])
    }

    @Test func `what a poll or a person brings in ends no silence`() async throws {
        try await watch.look()
        clock.advance(by: .seconds(80_000))
        try await receive("PACKAGE_CREATE", "p", origin: .poll)
        try await receive("PACKAGE_CREATE", "q", origin: .manual)
        clock.advance(by: .seconds(6_400))
        try await watch.look()
        #expect(try await raised() == ["X_NO_CALLBACKS -"])
    }

    @Test func `a package that is complete and was never seen sent is reported once, after a while`() async throws {
        try await receive("PACKAGE_COMPLETE", "before the watch")
        clock.advance(by: .seconds(1))
        try await watch.look()
        try await receive("PACKAGE_COMPLETE", "gap")
        try await receive("PACKAGE_COMPLETE", "swapped")
        clock.advance(by: .seconds(10))
        try await receive("PACKAGE_ACTIVATE", "swapped")
        clock.advance(by: .seconds(280))
        try await watch.look()
        #expect(try await raised().isEmpty)
        clock.advance(by: .seconds(60))
        for _ in 1...3 {
            try await watch.look()
            clock.advance(by: .seconds(60))
        }
        #expect(try await raised() == ["X_EVENT_MISSING gap"])
    }

    @Test func `many completions at the same moment are all looked at in one go`() async throws {
        try await watch.look()
        clock.advance(by: .seconds(1))
        for number in 1...450 { try await receive("PACKAGE_COMPLETE", "p\(number)") }
        clock.advance(by: .seconds(400))
        try await watch.look()
        #expect(try await store.events(EventQuery(name: "X_EVENT_MISSING", limit: 1_000)).count == 450)
    }

    @Test(.timeLimit(.minutes(1)))
    func `one instance monitors, and another one takes over when it is gone or has stopped`() async throws {
        let gone = Lease(id: "gone", for: .seconds(60))
        _ = try await store.take(.callbackMonitor, as: "web2", under: gone, at: clock.now)
        let watch = watch
        let monitoring = Task { try await watch.run() }
        for _ in 1...3 {
            await clock.untilSleeping()
            #expect(try await store.value(forKey: "callbacks") == nil)
            clock.advance(by: SingletonLock.pause)
        }
        await clock.untilSleeping()
        #expect(try await store.value(forKey: "callbacks") != nil)
        let next = Lease(id: "next", for: .seconds(60))
        let hold = try await store.take(.callbackMonitor, as: "web3", under: next, at: clock.now)
        #expect(hold.holder == "test" && hold.term == 2 && !hold.isOwn)
        monitoring.cancel()
        try await monitoring.value
        #expect(try await store.take(.callbackMonitor, as: "web3", under: next, at: clock.now).isOwn)
    }
}
