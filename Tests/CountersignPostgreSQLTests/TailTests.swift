import CountersignCore
import CountersignPostgreSQL
import CountersignStore
import CountersignTesting
import Foundation
import PostgreSQLServer
import Testing

/// What somebody who follows a store sees.
@Suite struct TailTests {
    private let place: TestStore
    private let now = Date(milliseconds: 1_530_389_095_000)

    init() throws {
        place = try TestStore()
    }

    private func append(_ name: String, _ package: String, to store: any Store) async throws -> Event.ID {
        let payload: JSON = ["name": .string(name), "packageId": .string(package)]
        return try await store.append(SampleDelivery.delivery(payload.text), at: now).eventID
    }

    /// Has a run made of an event, and one attempt at a step of it.
    private func work(on event: Event.ID, in store: any Store) async throws {
        let dispatch = Dispatch(
            eventID: event,
            ruleSet: RuleSetVersion(rawValue: "v"),
            ruleIDs: ["rule"],
            matchSet: MatchSet([true])
        )
        try await store.dispatch([dispatch], at: now)
        let lease = Lease(id: "lease-\(event)", for: .seconds(60))
        let claimed = try #require(try await store.claim(limit: 1, lease: lease, at: now).first)
        let record = StepRecord(
            stepID: "step",
            attempt: 1,
            generation: 0,
            status: .succeeded,
            isFinal: true,
            plan: nil,
            output: nil,
            reason: nil,
            startedAt: now,
            finishedAt: now + 1
        )
        try await store.record(record, of: claimed.run.id, lease: lease.id)
    }

    private func words(_ entries: [TailEntry]) -> [String] {
        entries.map { entry in
            switch entry.kind {
            case .event: "\(entry.eventName) \(entry.packageID ?? "-")"
            case .attempt(let attempt): "\(attempt.ruleID)/\(attempt.stepID ?? "run") \(attempt.status)"
            }
        }
    }

    @Test func `it begins with the newest, goes on with what is new, and tells nothing twice`() async throws {
        let store = try place.open()
        let first = try await append("A", "p-1", to: store)
        _ = try await append("B", "p-2", to: store)
        try await work(on: first, in: store)
        let archive = try PostgreSQLArchive.open(place.options)
        let start = try await archive.newest(3, since: nil, TailFilter())
        #expect(words(start.entries) == ["A p-1", "B p-2", "rule/step succeeded"])
        #expect(try await archive.entries(after: start.position, TailFilter()).entries.isEmpty)
        let third = try await append("A", "p-3", to: store)
        try await work(on: third, in: store)
        let more = try await archive.entries(after: start.position, TailFilter())
        #expect(words(more.entries) == ["A p-3", "rule/step succeeded"])
        #expect(try await archive.entries(after: more.position, TailFilter()).entries.isEmpty)
        let filter = TailFilter(eventName: "A", packageID: "p-3")
        #expect(words(try await archive.entries(after: start.position, filter).entries).count == 2)
        #expect(try await archive.entries(after: start.position, TailFilter(eventName: "B")).entries.isEmpty)
        await store.close()
        try place.remove()
    }

    @Test func `with several writers, connections lost and new ones, it misses nothing and tells nothing twice`()
        async throws
    {
        let stores = [try place.open(), try place.open(), try place.open()]
        let archive = try PostgreSQLArchive.open(place.options)
        var position = try await archive.newest(0, since: nil, TailFilter()).position
        var seen: [Event.ID] = []
        for round in 0..<6 {
            let ids = try await withThrowingTaskGroup(of: Event.ID.self) { group in
                for number in 0..<120 {
                    group.addTask {
                        try await append("A", "p-\(round)-\(number)", to: stores[number % stores.count])
                    }
                }
                // Reading goes on while they write.
                for _ in 0..<5 {
                    let told = try await archive.entries(after: position, TailFilter())
                    seen += told.entries.map(\.eventID)
                    position = told.position
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(ids.count == 120)
            try place.endWriters()
        }
        while case let told = try await archive.entries(after: position, TailFilter()), !told.entries.isEmpty {
            seen += told.entries.map(\.eventID)
            position = told.position
        }
        #expect(seen.count == 720 && Set(seen).count == 720)
        // Streams that ended are left out of the position.
        #expect(position.text.split(separator: "-").count < 20, "\(position.text)")
        for store in stores { await store.close() }
        try place.remove()
    }

    @Test func `of a store in the place of another it tells what comes from then on`() async throws {
        let store = try place.open()
        _ = try await append("A", "p-1", to: store)
        let archive = try PostgreSQLArchive.open(place.options)
        let position = TailPosition(text: "0123456789abcdef-1-1.5.5")
        let told = try await archive.entries(after: position, TailFilter())
        #expect(told.entries.isEmpty)
        _ = try await append("B", "p-1", to: store)
        #expect(words(try await archive.entries(after: told.position, TailFilter()).entries) == ["B p-1"])
        await store.close()
        try place.remove()
    }
}
