import CountersignCore
import CountersignEngine
import CountersignSQLite
import CountersignStore
import CountersignTesting
import Foundation
import Logging
import Testing

/// Over the real store, since only a file is cut back.
struct HousekeeperTests {
    private let start = Date(timeIntervalSince1970: 1_000_000)
    private let day: TimeInterval = 86_400

    private func tidy(_ store: SQLiteStore, at date: Date, events: Int, runs: Int = 1_000) async {
        let retention = Retention(
            events: .seconds(events * 86_400),
            runs: .seconds(runs * 86_400),
            quarantine: .seconds(events * 86_400)
        )
        await Housekeeper(
            store: store,
            retention: retention,
            clock: ManualClock(now: date),
            logger: Logger(label: "test")
        )
        .tidy()
    }

    /// Stores an event, and a run of it that ends as told.
    private func event(_ number: Int, in store: SQLiteStore, ending: RunEnding?, at date: Date) async throws -> Event.ID
    {
        let receipt = try await store.append(SampleDelivery.numbered(number), at: date)
        let dispatch = Dispatch(
            eventID: try receipt.eventID,
            ruleSet: RuleSetVersion(rawValue: "v"),
            ruleIDs: ["rule"],
            matchSet: MatchSet(matches: [0])
        )
        guard let ending else { return try receipt.eventID }
        try await store.dispatch([dispatch], at: date)
        let lease = Lease(id: "\(number)", for: .seconds(30))
        let run = try #require(try await store.claim(limit: 1, lease: lease, at: date).first).run.id
        let record = StepRecord(
            stepID: "step",
            attempt: 1,
            generation: 0,
            status: ending == .failed ? .failed : .succeeded,
            isFinal: true,
            plan: nil,
            output: "done",
            reason: nil,
            startedAt: date,
            finishedAt: date
        )
        try await store.release(run, lease: lease.id, to: ending, recording: record, at: date)
        return try receipt.eventID
    }

    @Test func `old events go with their runs, those that are not done stay`() async throws {
        let folder = try TemporaryFolder()
        let store = try SQLiteStore.open(path: folder.path("store.db"))
        let done = try await event(1, in: store, ending: .succeeded, at: start)
        let failed = try await event(2, in: store, ending: .failed, at: start)
        let waiting = try await event(3, in: store, ending: nil, at: start)
        let young = try await event(4, in: store, ending: .succeeded, at: start + 20 * day)
        let last = try await event(5, in: store, ending: .succeeded, at: start + 20 * day)
        await tidy(store, at: start + 31 * day, events: 30)
        let kept = try await store.eventIDs(EventQuery(limit: 10))
        #expect(Set(kept) == [failed, waiting, young, last] && !kept.contains(done))
        #expect(try await store.runs(RunQuery(limit: 10)).map(\.eventID).contains(done) == false)
        await store.close()
    }

    @Test func `a number that was given to an event is never given again`() async throws {
        let folder = try TemporaryFolder()
        let store = try SQLiteStore.open(path: folder.path("store.db"))
        let first = try await event(1, in: store, ending: .succeeded, at: start)
        await tidy(store, at: start + 31 * day, events: 30)
        let second = try await event(2, in: store, ending: .succeeded, at: start + 31 * day)
        #expect(second.rawValue > first.rawValue)
        await store.close()
    }

    @Test func `what steps did goes earlier than the run, unless the run failed`() async throws {
        let folder = try TemporaryFolder()
        let store = try SQLiteStore.open(path: folder.path("store.db"))
        _ = try await event(1, in: store, ending: .succeeded, at: start)
        _ = try await event(2, in: store, ending: .failed, at: start)
        await tidy(store, at: start + 10 * day, events: 30, runs: 9)
        let runs = try await store.runs(RunQuery(limit: 10)).sorted { $0.id.rawValue < $1.id.rawValue }
        var records: [Int] = []
        for run in runs { records.append(try #require(try await store.run(run.id)).records.count) }
        #expect(runs.map(\.state) == [.succeeded, .failed] && records == [0, 1])
        await store.close()
    }

    @Test func `more than one slice is removed at a time, and old quarantine with it`() async throws {
        let folder = try TemporaryFolder()
        let store = try SQLiteStore.open(path: folder.path("store.db"))
        for _ in 0..<450 {
            _ = try await store.quarantine(UnreadableBody(body: [1], reason: "no JSON"), at: start)
        }
        _ = try await store.quarantine(UnreadableBody(body: [1], reason: "no JSON"), at: start + 30 * day)
        await tidy(store, at: start + 31 * day, events: 30)
        #expect(try await store.quarantined(QuarantineQuery(limit: 1_000)).count == 1)
        await store.close()
    }

    @Test func `rule sets go that were replaced before the oldest event came`() async throws {
        let folder = try TemporaryFolder()
        let store = try SQLiteStore.open(path: folder.path("store.db"))
        func keep(_ version: String, at date: Date) async throws {
            let rules = ProposedRules(
                RuleSetVersion(rawValue: version),
                sources: ["version": .string(version)],
                by: "one",
                because: .folder
            )
            let newest = try await store.activation()?.number ?? 0
            _ = try await store.activate(rules, after: newest, at: date)
        }
        func kept() async throws -> [String] {
            var kept: [String] = []
            for version in ["first", "second", "v", "third"]
            where try await store.sources(of: RuleSetVersion(rawValue: version)) != nil {
                kept.append(version)
            }
            return kept
        }
        try await keep("first", at: start)
        try await keep("second", at: start + day)
        try await keep("v", at: start + 9.5 * day)
        await tidy(store, at: start + 31 * day, events: 30)
        #expect(try await kept() == ["first", "second", "v"], "without an event nobody knows what is needed")
        let old = try await event(1, in: store, ending: .succeeded, at: start + 10 * day)
        await tidy(store, at: start + 31 * day, events: 30)
        #expect(try await kept() == ["second", "v"], "the second one was active less than a day before the event")
        try await keep("third", at: start + 30 * day)
        _ = try await event(2, in: store, ending: .succeeded, at: start + 40 * day)
        await tidy(store, at: start + 41 * day, events: 30)
        #expect(try await store.event(old) == nil)
        #expect(try await kept() == ["third"])
        await store.close()
    }
}
