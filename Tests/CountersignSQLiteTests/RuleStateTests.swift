import CountersignCore
import CountersignSQLite
import CountersignStore
import CountersignTesting
import Foundation
import GRDB
import Testing

/// What SQLite does beside the promises of every store that keeps the states of rules.
@Suite struct RuleStateTests {
    private let folder: TemporaryFolder
    private var path: String { folder.path("store.db") }
    private let now = Date(timeIntervalSince1970: 1_800_000_000)
    private let ruleSet = RuleSetVersion(rawValue: "v")
    private let key = StateKey(ruleID: "r", values: ["a"])

    init() throws {
        folder = try TemporaryFolder()
    }

    private func write(_ change: (inout StateOutcome) -> Void, to store: SQLiteStore) async throws -> [Decision] {
        var outcome = StateOutcome()
        change(&outcome)
        let made = outcome
        return try await store.decide(on: .states, reading: StateRequest(), under: nil, at: now) { _ in made }
    }

    /// Events that are dispatched without runs.
    private func events(_ count: Int, in store: SQLiteStore) async throws -> [Event.ID] {
        var ids: [Event.ID] = []
        for number in 1...count {
            ids.append(try await store.append(SampleDelivery.numbered(number), at: now).eventID)
        }
        let dispatches = ids.map { Dispatch(eventID: $0, ruleSet: ruleSet, ruleIDs: [], matchSet: MatchSet([])) }
        try await store.dispatch(dispatches, at: now)
        return ids
    }

    private func run(_ event: Event.ID, part: String = "", place: QueuePlace? = nil) -> NewRun {
        NewRun(eventID: event, ruleID: "r", ruleSet: ruleSet, part: part, facts: ["a": 1], dueAt: now, place: place)
    }

    private func state(_ event: Event.ID?, due: Date? = nil) -> RuleState {
        RuleState(key: key, kind: .timer, shape: "s", eventID: event, packageID: "p\0q", openedAt: now, dueAt: due)
    }

    private func place(_ queue: String, _ seconds: Int, slot: Int? = nil) -> QueuePlace {
        let happenedAt = now.addingTimeInterval(Double(seconds))
        return QueuePlace(queue: queue, happenedAt: happenedAt, limit: 1, holdsOnFailure: false, slot: slot)
    }

    @Test func `what something open needs is not removed with age, and decisions go with their event`() async throws {
        let store = try SQLiteStore.open(path: path)
        let ids = try await events(6, in: store)
        _ = try await write(
            { outcome in
                outcome.changes = [.set(state(ids[1])), .gather(key, ids[2])]
                outcome.runs = [run(ids[3])]
                outcome.decisions = ids.map { (Decision(eventID: $0, ruleID: "r", kind: .scheduled, at: now), nil) }
            },
            to: store
        )
        let lease = Lease(id: "w", for: .seconds(60))
        let claimed = try #require(try await store.claim(limit: 1, lease: lease, at: now).first).run.id
        let later = now.addingTimeInterval(3_600)
        try await store.release(claimed, lease: "w", to: .paused(until: later), recording: nil, at: now)
        let slice = try await store.prune(.events, before: later, after: 0, limit: 9)
        #expect(slice.removed == 2)
        let rest = try await store.events(EventQuery()).map(\.event.id.rawValue)
        #expect(rest == [6, 4, 3, 2])
        #expect(try await store.decisions(of: ids[0]).isEmpty)
        #expect(try await store.decisions(of: ids[1]).count == 1)
        _ = try await write({ $0.changes = [.remove(key, part: ""), .clear(key)] }, to: store)
        try await store.discard(claimed, at: later)
        #expect(try await store.prune(.events, before: later, after: 0, limit: 9).removed == 3)
        await store.close()
    }

    @Test func `a copy holds states, what is gathered, decisions, pauses and the places of runs`() async throws {
        let store = try SQLiteStore.open(path: path)
        let ids = try await events(2, in: store)
        _ = try await write(
            { outcome in
                outcome.changes = [.set(state(ids[0], due: now)), .gather(key, ids[1])]
                outcome.runs = [
                    run(ids[0], part: "1", place: place("q", 1, slot: 0)), run(ids[1], place: place("q", 2)),
                ]
                outcome.decisions = [(Decision(eventID: ids[0], ruleID: "r", kind: .run, facts: ["x": 1], at: now), 0)]
            },
            to: store
        )
        let pause = Pause(.rule("r"), by: "ada", reason: nil, since: now, until: now.addingTimeInterval(60))
        try await store.pause(pause)
        let (states, queue) = (try await store.states(StateQuery(limit: 9)), try await store.queue("q"))
        await store.close()
        let copyPath = folder.path("copy.db")
        let (source, target) = (try SQLiteDriver(path: path).source(), try SQLiteDriver(path: copyPath).target())
        _ = try await StoreCopier(from: source, to: target).copy()
        await source.close()
        await target.close()
        let copied = try SQLiteStore.open(path: copyPath)
        #expect(try await copied.states(StateQuery(limit: 9)) == states && states.first?.packageID == "p\0q")
        #expect(try await copied.queue("q") == queue && queue.waitingCount == 1)
        #expect(try await copied.gathered(of: key) == [ids[1]])
        #expect(try await copied.decisions(of: ids[0]).first?.run == Run.ID(rawValue: 1))
        #expect(try await copied.pauses(at: now) == [pause])
        #expect(try await copied.runs(RunQuery()).map(\.part) == ["", "1"])
        await copied.close()
    }

    @Test func `a damaged state is set aside when it is due, hides no other, and is found by the check`() async throws {
        let store = try SQLiteStore.open(path: path)
        let other = StateKey(ruleID: "r", values: ["b"])
        let states = [
            state(nil, due: now), RuleState(key: other, kind: .timer, shape: "s", openedAt: now, dueAt: now),
        ]
        _ = try await write({ $0.changes = states.map { .set($0) } }, to: store)
        let queue = try DatabaseQueue(path: path)
        try await queue.write { try $0.execute(sql: "UPDATE states SET data = '{' WHERE id = 1") }
        try queue.close()
        for _ in 1...2 { #expect(try await store.dueStates(limit: 9, excluding: [], at: now).map(\.key) == [other]) }
        _ = try await write({ $0.changes = [.remove(other, part: "")] }, to: store)
        #expect(try await store.nextDueState() == nil)
        let check = try await store.archive.check()
        #expect(check.damages.map(\.place) == ["state 1"])
        await store.close()
    }

    @Test func `runs that wait behind two keys slow no claim`() async throws {
        let store = try SQLiteStore.open(path: path)
        let ids = try await events(100, in: store)
        let rows = 20_000
        _ = try await write(
            { outcome in
                outcome.runs = (0..<rows)
                    .map { number in
                        let isFirst = number < 2
                        return run(
                            ids[number % ids.count],
                            part: "\(number)",
                            place: place("q\(number % 2)", number, slot: isFirst ? 0 : nil)
                        )
                    }
            },
            to: store
        )
        let reader = try DatabaseQueue(path: path)
        let steps = try await reader.read { db in
            // What a claim looks at: the index holds the two runs that have a slot, and nothing else.
            try Int.fetchOne(
                db,
                sql: """
                    SELECT count(*) FROM runs INDEXED BY runs_due
                    WHERE state IN ('queued', 'waiting') AND (queue IS NULL OR slot IS NOT NULL)
                    """
            )
        }
        #expect(steps == 2)
        try reader.close()
        let lease = Lease(id: "w", for: .seconds(60))
        var claimed = try await store.claim(limit: 9, lease: lease, at: now).map(\.run.id)
        #expect(claimed.count == 2)
        for run in claimed { try await store.release(run, lease: "w", to: .succeeded, recording: nil, at: now) }
        claimed += try await store.claim(limit: 9, lease: lease, at: now).map(\.run.id)
        #expect(claimed.map(\.rawValue) == [1, 2, 3, 4])
        #expect(try await store.queue("q0").waitingCount == rows / 2 - 2)
        await store.close()
    }
}
