import CountersignCore
import CountersignStore
import CountersignTesting
import Foundation
import Testing

/// Troubles that last, on a store in memory and a clock that is moved by hand.
struct IncidentReporterTests {
    private let store = MemoryStore()
    private let clock = ManualClock()
    private let reporter: IncidentReporter

    init() {
        reporter = IncidentReporter(store: store, clock: clock)
    }

    private func raised() async throws -> [String] {
        try await store.events(EventQuery(limit: 100)).reversed().map(\.event.name)
    }

    @Test func `a problem is reported once until it ends, and again when it comes back`() async throws {
        for _ in 1...3 {
            try await reporter.begin(.diskLow, of: "store", [:])
            clock.advance(by: .seconds(60))
        }
        #expect(try await raised() == ["X_DISK_LOW"])
        #expect(try await reporter.end(.diskLow, of: "store", reporting: .diskRecovered, [:]))
        #expect(try await !reporter.end(.diskLow, of: "store", reporting: .diskRecovered, [:]))
        clock.advance(by: .seconds(60))
        try await reporter.begin(.diskLow, of: "store", [:])
        #expect(try await raised() == ["X_DISK_LOW", "X_DISK_RECOVERED", "X_DISK_LOW"])
    }

    @Test func `the end tells when the problem began`() async throws {
        let start = clock.now
        try await reporter.begin(.pollFailed, of: "account", [:])
        clock.advance(by: .seconds(3_600))
        try await reporter.end(.pollFailed, of: "account", reporting: .pollRecovered, ["recovered": 2])
        let event = try #require(try await store.events(EventQuery(name: "X_POLL_RECOVERED")).first?.event)
        #expect(event.payload["since"] == .string(start.rfc3339) && event.payload["recovered"] == 2)
        #expect(event.payload["createdDate"] == .string(clock.now.rfc3339) && event.origin == .rule)
    }

    @Test func `subjects have spells of their own`() async throws {
        try await reporter.begin(.diskLow, of: "store", [:])
        try await reporter.begin(.diskLow, of: "output", [:])
        try await reporter.end(.diskLow, of: "output", reporting: .diskRecovered, [:])
        #expect(try await raised() == ["X_DISK_LOW", "X_DISK_LOW", "X_DISK_RECOVERED"])
        #expect(try await reporter.isOpen(.diskLow, of: "store"))
    }

    @Test func `another sign is another problem, of which one end tells`() async throws {
        let start = clock.now
        for sign in ["a", "b", "b", "a"] {
            try await reporter.begin(.rulesRefused, of: "folder", fingerprint: sign, [:])
            clock.advance(by: .seconds(1))
        }
        try await reporter.end(.rulesRefused, of: "folder", reporting: .rulesRecovered, [:])
        #expect(try await raised() == Array(repeating: "X_RULES_REFUSED", count: 3) + ["X_RULES_RECOVERED"])
        let end = try #require(try await store.events(EventQuery(name: "X_RULES_RECOVERED")).first?.event)
        #expect(end.payload["since"] == .string(start.rfc3339))
    }

    @Test func `an incident that was recorded before a crash, and not reported, is reported by the next check`()
        async throws
    {
        try await reporter.begin(.diskLow, of: "store", [:])
        let stored = try await store.value(forKey: "incident X_DISK_LOW store")
        let restarted = MemoryStore()
        try await restarted.set(stored ?? .null, forKey: "incident X_DISK_LOW store")
        let reporter = IncidentReporter(store: restarted, clock: clock)
        clock.advance(by: .seconds(9))
        #expect(try await reporter.begin(.diskLow, of: "store", [:]))
        #expect(try await !reporter.begin(.diskLow, of: "store", [:]))
    }
}
