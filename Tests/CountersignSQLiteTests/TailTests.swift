import CountersignCore
import CountersignSQLite
import CountersignStore
import CountersignTesting
import Foundation
import Testing

/// What somebody who follows a store is reported.
@Suite struct TailTests {
    private let folder: TemporaryFolder
    private let store: SQLiteStore
    private let archive: SQLiteArchive
    private let now = Date(timeIntervalSince1970: 1_530_389_095)

    init() throws {
        folder = try TemporaryFolder()
        store = try SQLiteStore.open(path: folder.path("store.db"))
        archive = try SQLiteArchive.open(path: folder.path("store.db"))
    }

    private func append(_ name: String, _ package: String, after seconds: TimeInterval = 0) async throws -> Event.ID {
        let payload: JSON = [
            "name": .string(name), "packageId": .string(package), "createdDate": .string("\(seconds)"),
        ]
        return try await store.append(SampleDelivery.delivery(payload.text), at: now + seconds).eventID
    }

    /// Has a run made of an event, and one attempt at a step of it.
    private func work(on event: Event.ID, status: StepRecord.Status, at time: Date) async throws {
        let dispatch = Dispatch(
            eventID: event,
            ruleSet: RuleSetVersion(rawValue: "v"),
            ruleIDs: ["rule"],
            matchSet: MatchSet([true])
        )
        try await store.dispatch([dispatch], at: time)
        let lease = Lease(id: "lease-\(event)", for: .seconds(60))
        let claimed = try #require(try await store.claim(limit: 1, lease: lease, at: time).first)
        let record = StepRecord(
            stepID: "step",
            attempt: 1,
            generation: 0,
            status: status,
            isFinal: true,
            plan: nil,
            output: nil,
            reason: status == .failed ? "no" : nil,
            startedAt: time,
            finishedAt: time + 1
        )
        try await store.record(record, of: claimed.run.id, lease: lease.id)
    }

    private func words(_ entries: [TailEntry]) -> [String] {
        entries.map { entry in
            switch entry.kind {
            case .event: "\(entry.eventName) \(entry.packageID ?? "-")"
            case .attempt(let attempt):
                "\(attempt.ruleID)/\(attempt.stepID ?? "run") \(attempt.status) of \(entry.eventID)"
            }
        }
    }

    @Test func `it begins with the newest events and what was done for them, and goes on with what is new`()
        async throws
    {
        let first = try await append("A", "p-1")
        _ = try await append("B", "p-2", after: 1)
        try await work(on: first, status: .failed, at: now + 2)
        let start = try await archive.newest(2, since: nil, TailFilter())
        #expect(words(start.entries) == ["B p-2", "rule/step failed of 1"])
        let nothing = try await archive.entries(after: start.position, TailFilter())
        #expect(nothing.entries.isEmpty)
        #expect(nothing.position == start.position)

        let third = try await append("A", "p-3", after: 4)
        try await work(on: third, status: .succeeded, at: now + 5)
        let more = try await archive.entries(after: start.position, TailFilter())
        #expect(words(more.entries) == ["A p-3", "rule/step succeeded of 3"])
        await store.close()
    }

    @Test func `a filter holds for events and for what is done for them`() async throws {
        let filter = TailFilter(eventName: "A", packageID: "p-1")
        let start = try await archive.newest(10, since: nil, filter)
        #expect(start.entries.isEmpty)
        for (name, package) in [("A", "p-1"), ("A", "p-2"), ("B", "p-1")] {
            let id = try await append(name, package)
            try await work(on: id, status: .succeeded, at: now + Double(id.rawValue))
        }
        let expected = ["A p-1", "rule/step succeeded of 1"]
        #expect(words(try await archive.entries(after: start.position, filter).entries) == expected)
        #expect(words(try await archive.newest(10, since: nil, filter).entries) == expected)
        #expect(words(try await archive.newest(0, since: now, filter).entries) == expected)
        #expect(try await archive.newest(0, since: now + 1, filter).entries.isEmpty)
        await store.close()
    }

    @Test func `of a store in the place of another it tells what comes from then on`() async throws {
        _ = try await append("A", "p-1")
        let position = try await archive.newest(10, since: nil, TailFilter()).position
        let other = try SQLiteStore.open(path: folder.path("other.db"))
        let otherArchive = try SQLiteArchive.open(path: folder.path("other.db"))
        for number in 1...3 {
            let payload: JSON = ["name": "C", "packageId": .string("p-\(number)")]
            _ = try await other.append(SampleDelivery.delivery(payload.text), at: now)
        }
        let seen = try await otherArchive.entries(after: position, TailFilter())
        #expect(seen.entries.isEmpty)
        #expect(seen.position == (try await otherArchive.newest(1, since: nil, TailFilter())).position)
        await other.close()
        await store.close()
    }
}
