import CountersignStore
import CountersignTesting
import Foundation
import Testing

/// One holder's way to a singleton, on a clock that is moved by hand.
struct SingletonLockTests {
    private let store = MemoryStore()
    private let clock = ManualClock()

    private func lock(_ holder: String) -> SingletonLock {
        SingletonLock(.poll, as: holder, in: store, clock: clock, makeLeaseID: { "lease of \(holder)" })
    }

    @Test func `who keeps it holds it for as long as the work lasts`() async throws {
        let (one, two) = (lock("one"), lock("two"))
        #expect(try await one.take() == 1)
        for _ in 1...10 {
            clock.advance(by: .seconds(25))
            try await one.keep()
            await #expect(throws: SingletonError.self) { try await two.take() }
        }
        try await one.giveUp()
        #expect(try await two.take() == 2)
    }

    @Test func `who does not keep it loses it, and learns so`() async throws {
        let (one, two) = (lock("one"), lock("two"))
        try await one.take()
        clock.advance(by: .seconds(60))
        #expect(try await two.take() == 2)
        await #expect(throws: SingletonError.lost(.poll, term: 1)) { try await one.keep() }
        // It gives up nothing of the other's.
        try await one.giveUp()
        try await two.keep()
        await #expect(throws: SingletonError.self) { try await one.take() }
    }

    @Test func `a clock that is set back has the lease renewed`() async throws {
        let one = lock("one")
        try await one.take()
        clock.advance(by: .seconds(-7_200))
        try await one.keep()
        clock.advance(by: .seconds(59))
        let hold = try await store.take(.poll, as: "two", under: Lease(id: "two", for: .seconds(60)), at: clock.now)
        #expect(hold.holder == "one" && hold.until.timeIntervalSince(clock.now) == 1)
    }
}
