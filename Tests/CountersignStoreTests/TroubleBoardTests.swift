import CountersignModel
import CountersignStore
import CountersignTesting
import Foundation
import Testing

/// Troubles that last, on a store in memory and a clock that is moved by hand.
struct TroubleBoardTests {
    private let store = MemoryStore()
    private let clock = ManualClock()
    private let board: TroubleBoard

    init() {
        board = TroubleBoard(store: store, clock: clock)
    }

    private func raised() async throws -> [String] {
        try await store.events(EventQuery(limit: 100)).reversed().map(\.event.name)
    }

    @Test func `a trouble is told once until it ends, and again when it comes back`() async throws {
        for _ in 1...3 {
            try await board.begin(.diskLow, of: "store", [:])
            clock.advance(by: .seconds(60))
        }
        #expect(try await raised() == ["X_DISK_LOW"])
        #expect(try await board.end(.diskLow, of: "store", telling: .diskRecovered, [:]))
        #expect(try await !board.end(.diskLow, of: "store", telling: .diskRecovered, [:]))
        clock.advance(by: .seconds(60))
        try await board.begin(.diskLow, of: "store", [:])
        #expect(try await raised() == ["X_DISK_LOW", "X_DISK_RECOVERED", "X_DISK_LOW"])
    }

    @Test func `the end tells when the trouble began`() async throws {
        let start = clock.now
        try await board.begin(.pollFailed, of: "account", [:])
        clock.advance(by: .seconds(3_600))
        try await board.end(.pollFailed, of: "account", telling: .pollRecovered, ["recovered": 2])
        let event = try #require(try await store.events(EventQuery(name: "X_POLL_RECOVERED")).first?.event)
        #expect(event.payload["since"] == .string(start.rfc3339) && event.payload["recovered"] == 2)
        #expect(event.payload["createdDate"] == .string(clock.now.rfc3339) && event.origin == .rule)
    }

    @Test func `subjects have spells of their own`() async throws {
        try await board.begin(.diskLow, of: "store", [:])
        try await board.begin(.diskLow, of: "output", [:])
        try await board.end(.diskLow, of: "output", telling: .diskRecovered, [:])
        #expect(try await raised() == ["X_DISK_LOW", "X_DISK_LOW", "X_DISK_RECOVERED"])
        #expect(try await board.lasts(.diskLow, of: "store"))
    }

    @Test func `another sign is another trouble, of which one end tells`() async throws {
        let start = clock.now
        for sign in ["a", "b", "b", "a"] {
            try await board.begin(.rulesRefused, of: "folder", sign: sign, [:])
            clock.advance(by: .seconds(1))
        }
        try await board.end(.rulesRefused, of: "folder", telling: .rulesRecovered, [:])
        #expect(try await raised() == Array(repeating: "X_RULES_REFUSED", count: 3) + ["X_RULES_RECOVERED"])
        let end = try #require(try await store.events(EventQuery(name: "X_RULES_RECOVERED")).first?.event)
        #expect(end.payload["since"] == .string(start.rfc3339))
    }

    @Test func `a spell that was noted before a crash, and not told, is told by the next look`() async throws {
        try await board.begin(.diskLow, of: "store", [:])
        let note = try await store.note("trouble X_DISK_LOW store")
        let restarted = MemoryStore()
        try await restarted.keep(note: "trouble X_DISK_LOW store", note ?? .null)
        let board = TroubleBoard(store: restarted, clock: clock)
        clock.advance(by: .seconds(9))
        #expect(try await board.begin(.diskLow, of: "store", [:]))
        #expect(try await !board.begin(.diskLow, of: "store", [:]))
    }
}
