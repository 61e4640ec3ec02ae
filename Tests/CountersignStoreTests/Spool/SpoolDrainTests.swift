import CountersignCore
import CountersignStore
import CountersignTesting
import Foundation
import Logging
import Testing

/// How what is in the spool comes into the store: all of it, in order, and once.
@Suite(.timeLimit(.minutes(1)))
struct SpoolDrainTests {
    private let fixture: SpoolFixture
    private let store = InboxDouble()
    private let clock = ManualClock()
    private let log = LogCapture()

    init() throws {
        fixture = try SpoolFixture()
    }

    private func drain(_ spool: Spool) -> SpoolDrain {
        SpoolDrain(
            spool: spool,
            into: store,
            reporter: IncidentReporter(store: store.memory, clock: clock),
            clock: clock,
            logger: log.logger()
        )
    }

    private func raised() async throws -> [Event] {
        try await store.memory.events(EventQuery(limit: 100)).reversed().map(\.event).filter { $0.name.hasPrefix("X_") }
    }

    @Test func `all of it comes into the store in order, with the time at which it was received`() async throws {
        try await fixture.opening { spool in
            try await spool.add(1...14)
            #expect(await drain(spool).drain(until: nil))
            #expect(spool.isEmpty)
        }
        #expect(try await store.packages() == packages(1...14))
        let first = try #require(try await store.memory.events(EventQuery(packageID: "package-1")).first)
        #expect(first.event.receivedAt == SpoolFixture.start && first.duplicates == 0)
        #expect(try fixture.packages() == [])
    }

    @Test func `a drain that was killed behind the store's commit stores nothing twice`() async throws {
        try await fixture.opening { spool in
            try await spool.add(1...5)
            try await spool.add(SampleDelivery.delivery(#"{"name":"A","packageId":"package-6"}"#, isUnique: true))
        }
        let before = try fixture.bytes
        for _ in 1...3 {
            try fixture.overwrite(before)
            try await fixture.opening { spool in
                #expect(spool.status.events == 6)
                _ = try await drain(spool).drainOnce()
            }
        }
        #expect(try await store.packages() == packages(1...6))
        let events = try await store.memory.events(EventQuery(limit: 100))
        #expect(events.allSatisfy { $0.duplicates == 0 || $0.event.name.hasPrefix("X_") })
    }

    @Test func `while the store refuses, everything stays, and it is tried again later and later`() async throws {
        try await fixture.opening { spool in
            try await spool.add(1...3)
            store.refuse(.cannotWrite("no space is left"))
            try await withThrowingTaskGroup { group in
                group.addTask { [drain = drain(spool)] in await drain.run() }
                for pause in [50, 100, 200] {
                    await clock.untilSleeping()
                    clock.advance(by: .milliseconds(pause))
                }
                await clock.untilSleeping()
                #expect(spool.status.events == 3)
                #expect(try await store.packages().isEmpty)
                store.refuse(nil)
                clock.advance(by: .seconds(2))
                while try await raised().last?.name != "X_SPOOL_DRAINED" { await store.arrivals.wait() }
                group.cancelAll()
            }
            #expect(spool.isEmpty)
        }
        #expect(try await store.packages() == packages(1...3))
    }

    @Test func `both ends are raised as events once the store is back, and logged`() async throws {
        try await fixture.opening { spool in
            let inbox = SpoolingInbox(
                store: store,
                spool: spool,
                after: .seconds(2),
                clock: clock,
                logger: log.logger()
            )
            store.refuse(.cannotWrite("no space is left"))
            for number in 1...3 { _ = try await inbox.append(SampleDelivery.numbered(number), at: clock.now) }
            store.refuse(nil)
            clock.advance(by: .seconds(90))
            #expect(await drain(spool).drain(until: nil))
        }
        let events = try await raised()
        #expect(events.map(\.name) == ["X_SPOOLING", "X_SPOOL_DRAINED"])
        let since = JSON.string(ManualClock().now.rfc3339)
        #expect(events.allSatisfy { $0.payload["since"] == since })
        #expect(events[0].payload["events"] == 3 && events[1].payload["events"] == 3)
        #expect(events[0].payload["reason"]?.string?.contains("no space is left") == true)
        #expect(log.lines(at: .info).map(\.text).first?.contains("duration=90s") == true)
    }

    @Test func `what the store refuses alone goes into quarantine, and the others go on`() async throws {
        try await fixture.opening { spool in
            try await spool.add(1...2)
            try await spool.add(SampleDelivery.numbered(3, name: "POISON"))
            try await spool.add(4...4)
            store.refuse(eventsNamed: "POISON")
            let totals = try await drain(spool).drainOnce()
            #expect(totals.events == 3 && totals.quarantined == 1)
        }
        #expect(try await store.packages() == packages([1, 2, 4]))
        let kept = try await store.memory.quarantined(QuarantineQuery(limit: 10))
        #expect(kept.map(\.body) == [SampleDelivery.numbered(3, name: "POISON").body])
        #expect(kept.first?.reason.contains("it is too big") == true)
    }

    @Test func `a body that is no event is quarantined once, however often it is drained`() async throws {
        try await fixture.opening { spool in
            let body = UnreadableBody(body: [1, 2], reason: "no JSON")
            spool.append(SpoolRecord(body, at: SpoolFixture.start)) { _ in }
        }
        let before = try fixture.bytes
        for _ in 1...2 {
            try fixture.overwrite(before)
            try await fixture.opening { _ = try await drain($0).drainOnce() }
        }
        let kept = try await store.memory.quarantined(QuarantineQuery(limit: 10))
        #expect(kept.map(\.reason) == ["no JSON"] && kept.map(\.receivedAt) == [SpoolFixture.start])
    }

    @Test func `a frame that the disk damaged meanwhile is quarantined as it is, and the others go on`() async throws {
        try await fixture.opening { spool in
            try await spool.add(1...3)
            var bytes = try fixture.bytes
            bytes[3 * SpoolFixture.block + 60] ^= 1
            let handle = try FileHandle(forWritingTo: URL(filePath: fixture.options.path))
            try handle.seek(toOffset: UInt64(3 * SpoolFixture.block + 60))
            try handle.write(contentsOf: [bytes[3 * SpoolFixture.block + 60]])
            try handle.close()
            #expect(try await drain(spool).drainOnce().quarantined == 1)
        }
        #expect(try await store.packages() == packages([1, 3]))
    }

    @Test func `at its deadline it gives up, and what remains is there at the next start`() async throws {
        try await fixture.opening { spool in
            try await spool.add(1...2)
            store.refuse(.cannotWrite("no space is left"))
            #expect(await !drain(spool).drain(until: clock.now))
        }
        store.refuse(nil)
        try await fixture.opening { spool in
            #expect(await drain(spool).drain(until: clock.now.addingTimeInterval(1)))
        }
        #expect(try await store.packages() == packages(1...2))
    }
}
