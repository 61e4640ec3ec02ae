import CountersignCore
import CountersignStore
import CountersignTesting
import Foundation
import Logging
import Testing

/// Where a callback goes while the store can, cannot, or does not answer.
@Suite(.timeLimit(.minutes(1)))
struct SpoolingInboxTests {
    private let fixture: SpoolFixture
    private let spool: Spool
    private let store = InboxDouble()
    private let clock = ManualClock()
    private let log = LogCapture()

    init() throws {
        fixture = try SpoolFixture()
        spool = try fixture.open()
    }

    private func inbox(without: Bool = false) -> SpoolingInbox {
        SpoolingInbox(
            store: without ? nil : store,
            spool: spool,
            after: .seconds(2),
            clock: clock,
            logger: log.logger()
        )
    }

    private func add(_ numbers: ClosedRange<Int>, to inbox: SpoolingInbox) async throws -> [Receipt] {
        var receipts: [Receipt] = []
        for number in numbers {
            receipts.append(try await inbox.append(SampleDelivery.numbered(number), at: clock.now))
        }
        return receipts
    }

    /// Runs `body` while somebody watches for late answers.
    private func watching(_ inbox: SpoolingInbox, _ body: () async throws -> Void) async throws {
        try await withThrowingTaskGroup { group in
            group.addTask { await inbox.watch() }
            try await body()
            group.cancelAll()
        }
    }

    @Test func `what the store stores never sees the spool`() async throws {
        let inbox = inbox()
        #expect(try await add(1...2, to: inbox) == [.stored(.init(rawValue: 1)), .stored(.init(rawValue: 2))])
        #expect(try await add(1...1, to: inbox) == [.duplicate(of: .init(rawValue: 1))])
        #expect(spool.isEmpty && log.lines.isEmpty)
    }

    @Test func `what the store refuses is spooled, and everything behind it, until the spool is empty`() async throws {
        let inbox = inbox()
        store.refuse(.cannotWrite("no space is left"))
        #expect(try await add(1...2, to: inbox) == [.spooled, .spooled])
        store.refuse(nil)
        #expect(try await add(3...3, to: inbox) == [.spooled])
        #expect(try fixture.packages() == packages(1...3))
        for _ in 1...3 { try await spool.removeOldest() }
        #expect(try await add(4...4, to: inbox) == [.stored(.init(rawValue: 1))])
        #expect(log.lines(at: .warning).map(\.message) == ["Callbacks are spooled until the store stores again"])
        #expect(log.lines.first?.text.contains("no space is left") == true)
    }

    @Test func `what the store has not answered in time is spooled, and its late answer changes nothing`() async throws
    {
        let inbox = inbox()
        store.hold()
        try await watching(inbox) {
            async let receipt = inbox.append(SampleDelivery.numbered(1), at: clock.now)
            await store.holds.wait()
            await clock.untilSleeping()
            clock.advance(by: .seconds(2))
            let answer = try await receipt
            #expect(answer == .spooled)
        }
        store.release()
        // The store has it by now, and meets it again when the spool is drained.
        await store.arrivals.wait()
        #expect(try await store.packages() == packages(1...1))
        #expect(try fixture.packages() == packages(1...1))
        let batch = try #require(try spool.oldest(limit: 10))
        let delivery = try batch.records[0].outcome.get()
        #expect(try await store.append(delivery, at: clock.now) == .duplicate(of: .init(rawValue: 1)))
        #expect(try await store.memory.event(.init(rawValue: 1))?.duplicates == 0)
    }

    @Test func `an answer in time is that of the store`() async throws {
        let inbox = inbox()
        store.hold()
        try await watching(inbox) {
            async let receipt = inbox.append(SampleDelivery.numbered(1), at: clock.now)
            await store.holds.wait()
            await clock.untilSleeping()
            store.release()
            let answer = try await receipt
            #expect(answer == .stored(.init(rawValue: 1)))
            clock.advance(by: .seconds(2))
        }
        #expect(spool.isEmpty)
    }

    @Test func `without a store everything is spooled`() async throws {
        let inbox = inbox(without: true)
        #expect(try await add(1...2, to: inbox) == [.spooled, .spooled])
        #expect(inbox.identity == SpoolFixture.identity)
        await #expect(throws: StoreError.self) { try await inbox.confirmWritable() }
    }

    @Test func `a body that is no event is spooled as well, and has no number`() async throws {
        let inbox = inbox()
        store.refuse(.cannotWrite("no space is left"))
        let body = UnreadableBody(body: [1, 2], reason: "no JSON")
        #expect(try await inbox.quarantine(body, at: clock.now) == nil)
        #expect(try Spool.inspect(fixture.options.path).records == [SpoolRecord(body, at: clock.now)])
        store.refuse(nil)
        for _ in 1...1 { try await spool.removeOldest() }
        #expect(try await inbox.quarantine(body, at: clock.now) == 1)
    }

    @Test func `a full spool asks the store, and refuses only what neither can store`() async throws {
        let inbox = inbox()
        store.refuse(.cannotWrite("no space is left"))
        #expect(try await add(1...14, to: inbox) == Array(repeating: .spooled, count: 14))
        await #expect(throws: StoreError.cannotWrite("no space is left")) { try await add(15...15, to: inbox) }
        store.refuse(nil)
        #expect(try await add(16...16, to: inbox) == [.stored(.init(rawValue: 1))])
    }

    @Test func `beside a spool that has ended, the store alone decides`() async throws {
        await spool.close()
        let broken = try SpoolFixture()
        var calls = SpoolCalls.system
        let sync = calls.sync
        // The first sync is that of the new file.
        let isMade = AsyncSignal()
        calls.sync = { descriptor in
            if isMade.take() { return -1 }
            return sync(descriptor)
        }
        let spool = try broken.open(calls: calls)
        isMade.notify()
        let inbox = SpoolingInbox(store: store, spool: spool, after: .seconds(2), clock: clock, logger: log.logger())
        store.refuse(.cannotWrite("no space is left"))
        await #expect(throws: SpoolError.ended(path: spool.path)) { try await add(1...1, to: inbox) }
        await #expect(throws: StoreError.cannotWrite("no space is left")) { try await add(2...2, to: inbox) }
        store.refuse(nil)
        #expect(try await add(3...3, to: inbox) == [.stored(.init(rawValue: 1))])
    }
}
