import CountersignCore
import CountersignEngine
import CountersignStore
import CountersignTesting
import Foundation
import Logging
import Synchronization
import Testing

struct ClockWatchTests {
    @Test func `a retry comes when it was to come, though the clock was set back by a day`() async throws {
        let clock = ManualClock()
        let start = clock.now
        let boot = ContinuousClock.now
        let passed = Mutex(Duration.zero)
        let store = MemoryStore()
        let watch = ClockWatch(
            store: store,
            clock: clock,
            uptime: { boot + passed.withLock { $0 } },
            logger: Logger(label: "test")
        )
        let event = try await store.append(SampleDelivery.numbered(1), at: start).eventID
        let version = RuleSetVersion(rawValue: "v")
        let dispatch = Dispatch(eventID: event, ruleSet: version, ruleIDs: ["r"], matchSet: MatchSet(matches: [0]))
        try await store.dispatch([dispatch], at: start)
        let lease = Lease(id: "w", for: .seconds(60))
        let run = try #require(try await store.claim(limit: 1, lease: lease, at: start).first).run.id
        let due = start.addingTimeInterval(30)
        try await store.release(run, lease: "w", to: .queued(dueAt: due), recording: nil, at: start)

        // Ten seconds pass by both clocks, then ten by one while the other is set back by a day.
        let first = watch.mark
        passed.withLock { $0 += .seconds(10) }
        clock.advance(by: .seconds(10))
        let second = await watch.look(since: first)
        #expect(try await store.nextDue() == due)
        passed.withLock { $0 += .seconds(10) }
        clock.advance(to: start.addingTimeInterval(20 - 86_400))
        _ = await watch.look(since: second)
        #expect(try await store.nextDue() == due.addingTimeInterval(-86_400))
    }
}
