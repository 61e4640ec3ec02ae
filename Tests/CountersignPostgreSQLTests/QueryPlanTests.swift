import CountersignCore
import CountersignPostgreSQL
import CountersignStore
import CountersignTesting
import Foundation
import PostgreSQLServer
import Testing

/// Nothing that is done all the time reads a table from its beginning to its end.
///
/// Statements are prepared while the tables are empty, which is when plans are made that are wrong later; what the server
/// counts tells which of them read whole tables.
@Suite struct QueryPlanTests {
    private static let rows = 30_000
    private let now = Date(milliseconds: 1_530_389_095_384)

    @Test(arguments: [DatabaseClock.Kind.caller, .server])
    func `what is done with each event uses indexes, also where it was prepared on empty tables`(
        time: DatabaseClock.Kind
    ) async throws {
        let place = try TestStore()
        let store = try place.open(time: time)
        // From the sixth time on, the server keeps one plan for all parameters.
        for round in 0..<8 { _ = try await write(store, round) }
        try fill(place)
        for round in 8..<12 { _ = try await write(store, round) }
        await store.close()
        try expectNoScans(of: place)
        try place.remove()
    }

    @Test(arguments: TestStore.Way.allCases)
    func `claiming does not read the whole queue, also before the server knows how long it is`(
        way: TestStore.Way
    ) async throws {
        let place = try TestStore(way: way)
        let store = try place.open()
        _ = try await write(store, 0)
        try place.sql(
            """
            insert into @.runs (event_id, rule_id, rule_set, state, due_at, created_at)
                select 1, 'rule-' || g, 'v', 0, '2018-01-01', '2018-01-01' from generate_series(1, 3000) g
            """
        )
        let before = try runRows(of: place)
        let lease = Lease(id: "w", for: .seconds(9))
        for _ in 0..<20 { #expect(try await store.claim(limit: 1, lease: lease, at: Date() + 60).count == 1) }
        await store.close()
        // A session that goes on behind a pooler says after a while what it has counted.
        while try runRows(of: place).changed < before.changed + 20 { await Task.yield() }
        #expect(try runRows(of: place).read - before.read < 3_000)
        try place.remove()
    }

    @Test func `a decision does not read all runs that its rules have ever made`() async throws {
        let place = try TestStore()
        let store = try place.open()
        for round in 0..<8 { _ = try await write(store, round) }
        try place.sql(
            """
            insert into @.runs (event_id, rule_id, rule_set, state, due_at, created_at, finished_at)
                select g, rule, 'v', 2, '2018-01-01', '2018-01-01', '2018-01-01'
                from generate_series(1000000, 1003000) g cross join unnest(array['r0', 'r1', 'r2', 'n']) rule
            """
        )
        let before = try runRows(of: place)
        for round in 8..<12 { _ = try await write(store, round) }
        await store.close()
        let after = try runRows(of: place)
        #expect(after.changed > before.changed)
        #expect(after.read - before.read < 3_000)
        try place.remove()
    }

    /// How many rows of runs were read and changed so far.
    private func runRows(of place: TestStore) throws -> (read: Int, changed: Int) {
        let counts = try place.server.sql(
            """
            select seq_tup_read + idx_tup_fetch, n_tup_upd from pg_stat_user_tables
            where schemaname = '\(place.schema)' and relname = 'runs'
            """
        )
        let numbers = counts.split(separator: "|").compactMap { Int($0) }
        return (try #require(numbers.first), try #require(numbers.last))
    }

    @Test func `what people and metrics ask uses indexes, once the server knows how large the tables are`() async throws
    {
        let place = try TestStore()
        let store = try place.open()
        let archive = try PostgreSQLArchive.open(place.options)
        for round in 0..<8 { try await read(store, archive, try await write(store, round)) }
        try fill(place)
        try place.sql(
            "analyze @.events, @.event_keys, @.evaluations, @.packages, @.runs, @.steps, @.inbox, @.streams, @.states, @.gathered, @.decisions"
        )
        for round in 8..<12 { try await read(store, archive, try await write(store, round)) }
        await store.close()
        archive.close()
        try expectNoScans(of: place)
        try place.remove()
    }

    /// What a connection has counted is known when it has ended.
    private func expectNoScans(of place: TestStore) throws {
        let counts = try place.server.sql(
            """
            select string_agg(relname || ' ' || seq_tup_read, ', ') from pg_stat_user_tables
            where schemaname = '\(place.schema)' and seq_tup_read > \(Self.rows / 2)
            """
        )
        #expect(counts.isEmpty, "read from beginning to end: \(counts)")
    }

    private func write(_ store: PostgreSQLStore, _ round: Int) async throws -> Event.ID {
        let delivery = SampleDelivery.numbered(round)
        let id = try await store.append(delivery, at: now).eventID
        _ = try await store.append(delivery, at: now)
        let waiting = try await store.undispatched(limit: 256, at: now).events.map(\.id)
        try await store.dispatch(
            waiting.map {
                Dispatch(
                    eventID: $0,
                    ruleSet: RuleSetVersion(rawValue: "v"),
                    ruleIDs: ["rule"],
                    matchSet: MatchSet([true])
                )
            },
            at: now
        )
        _ = try await store.nextDue()
        for claimed in try await store.claim(limit: 5, lease: Lease(id: "w", for: .seconds(9)), at: now) {
            try await work(on: claimed.run.id, in: store)
        }
        try await decide(store, round, about: id)
        _ = try await store.rescue(.expired, at: now)
        _ = try await store.wake(waitingFor: "erp:443", limit: 10, at: now)
        _ = try await store.keep(package: ["name": "n"], of: id)
        return id
    }

    /// Decides as rules with state do: about several keys, queues, packages and names at a time.
    private func decide(_ store: PostgreSQLStore, _ round: Int, about id: Event.ID) async throws {
        let keys = (0..<3).map { StateKey(ruleID: "rule", values: [JSON("key \(round) \($0)")]) }
        var request = StateRequest()
        (request.keys, request.gathered) = (Set(keys), Set(keys))
        request.queues = ["queue \(round)", "queue \(round + 1)"]
        request.history = [
            HistoryQuery(.package("package-\(round)")), HistoryQuery(.package("package-1"), since: now),
            HistoryQuery(.names(["PACKAGE_CREATE", "PACKAGE_COMPLETE"]), since: now),
        ]
        let event = try await store.append(SampleDelivery.numbered(1_000 + round), at: now).eventID
        let state = { RuleState(key: $0, kind: .timer, shape: "s", eventID: event, openedAt: now, dueAt: now) }
        var outcome = StateOutcome()
        outcome.changes = keys.flatMap { [StateChange.set(state($0)), .gather($0, event)] }
        outcome.runs = (0..<3)
            .map { number in
                let place = QueuePlace(
                    queue: "queue \(round)",
                    happenedAt: now,
                    limit: 1,
                    holdsOnFailure: false,
                    slot: number == 0 ? 0 : nil
                )
                let version = RuleSetVersion(rawValue: "v")
                return NewRun(eventID: event, ruleID: "r\(number)", ruleSet: version, dueAt: now - 60, place: place)
            }
        outcome.decisions = [(Decision(eventID: event, ruleID: "r0", kind: .run, at: now), 0)]
        outcome.dispatches = [
            Dispatch(eventID: event, ruleSet: RuleSetVersion(rawValue: "v"), ruleIDs: [], matchSet: MatchSet([]))
        ]
        let first = outcome
        let made = try await store.decide(on: .waiting([event, id]), reading: request, under: nil, at: now) { _ in first
        }
        let run = try #require(made.first?.run)
        let lease = Lease(id: "q", for: .seconds(9))
        #expect(try await store.claim(limit: 1, lease: lease, at: now - 1).map(\.run.id) == [run])
        try await store.release(run, lease: "q", to: .succeeded, recording: nil, at: now)
        try await close(keys, of: event, round, in: store)
        for left in try await store.runs(RunQuery(eventID: event)) where left.state == .queued {
            try await store.discard(left.id, at: now)
        }
        _ = try await store.dueStates(limit: 5, excluding: [], at: now)
        _ = try await store.nextDueState()
        _ = try await store.removeExpiredStates(limit: 5, at: now)
        _ = try await store.decisions(of: event)
        _ = try await store.resume(.rule("rule"), at: now)
    }

    /// Closes what was opened, and moves the runs of the queue.
    private func close(_ keys: [StateKey], of event: Event.ID, _ round: Int, in store: PostgreSQLStore) async throws {
        let queue = try await store.queue("queue \(round)")
        let (holder, waiting) = (try #require(queue.holders.first?.run), try #require(queue.waiting.first?.run))
        let new = try await store.append(SampleDelivery.numbered(2_000 + round), at: now).eventID
        var outcome = StateOutcome()
        outcome.changes = keys.flatMap { [StateChange.remove($0, part: ""), .clear($0)] }
        let place = QueuePlace(queue: "queue \(round)", happenedAt: now, limit: 1, holdsOnFailure: false, slot: 0)
        let version = RuleSetVersion(rawValue: "v")
        outcome.runs = [NewRun(eventID: new, ruleID: "n", ruleSet: version, dueAt: now, place: place)]
        outcome.moved = [(holder, nil)]
        outcome.superseded = [(waiting, 0)]
        outcome.decisions = [(Decision(eventID: new, ruleID: "n", kind: .run, at: now), 0)]
        outcome.dispatches = [Dispatch(eventID: new, ruleSet: version, ruleIDs: [], matchSet: MatchSet([]))]
        var request = StateRequest()
        (request.keys, request.queues) = (Set(keys), ["queue \(round)"])
        let written = outcome
        let made = try await store.decide(on: .waiting([new]), reading: request, under: nil, at: now) { _ in written }
        if let run = made.first?.run { try await store.discard(run, at: now) }
    }

    private func work(on run: Run.ID, in store: PostgreSQLStore) async throws {
        try await store.begin(stepID: "s", attempt: 1, of: run, lease: "w", at: now)
        try await store.renew(Lease(id: "w", for: .seconds(9)), at: now)
        let record = StepRecord(
            stepID: "s",
            attempt: 1,
            generation: 0,
            status: .succeeded,
            isFinal: true,
            plan: nil,
            output: nil,
            reason: nil,
            startedAt: now,
            finishedAt: now
        )
        try await store.record(record, of: run, lease: "w")
        let raised = SystemEvent.runFailed.delivery(["run": JSON(run.rawValue)], key: "run \(run)", at: now)
        try await store.release(run, lease: "w", to: .failed, recording: nil, raising: raised, at: now)
        try await store.retry(run, at: now)
        try await store.discard(run, at: now)
    }

    private func read(_ store: PostgreSQLStore, _ archive: PostgreSQLArchive, _ id: Event.ID) async throws {
        _ = try await store.backlog(at: now)
        let tail = try await archive.newest(5, since: nil, TailFilter())
        _ = try await archive.entries(after: tail.position, TailFilter())
        let since = now - 60
        for query in [
            EventQuery(limit: 5), EventQuery(name: "PACKAGE_CREATE", limit: 5), EventQuery(packageID: "package-1"),
            EventQuery(since: since, limit: 5), EventQuery(before: EventPosition(receivedAt: now, id: id), limit: 5),
        ] {
            _ = try await store.page(of: query)
        }
        _ = try await store.events(after: EventPosition(receivedAt: now, id: id), limit: 5)
        _ = try await store.event(id)
        for query in [
            RunQuery(limit: 5), RunQuery(eventID: id), RunQuery(ruleID: "rule", limit: 5), RunQuery(state: .failed),
            RunQuery(packageID: "package-1"), RunQuery(before: Run.ID(rawValue: 9), limit: 5),
        ] {
            _ = try await store.runRows(query)
        }
        _ = try await store.packages(PackageQuery(prefix: "package-1", limit: 5))
        _ = try await store.runCount(ofRule: "rule", in: .failed)
        _ = try await store.statistics(ofRules: ["rule"], since: now + 60)
        _ = try await store.evaluations(of: id)
        _ = try await store.prune(.events, before: now - 1, after: 0, limit: 10)
        for query in [StateQuery(limit: 5), StateQuery(ruleID: "rule", limit: 5), StateQuery(packageID: "p", limit: 5)]
        {
            _ = try await store.states(query)
        }
        _ = try await store.queues(limit: 5)
        _ = try await store.pauses(at: now)
    }

    private func fill(_ place: TestStore) throws {
        let numbers = "generate_series(1000000, \(1_000_000 + Self.rows)) g"
        try place.sql(
            """
            insert into @.events (id, stream, name, package_id, origin, received_at, body, body_hash)
                select g, 999, 'PACKAGE_OTHER', 'other-' || g, 0, '2018-01-01'::timestamptz + g * interval '1 s', '{}', sha256('{}')
                from \(numbers);
            insert into @.event_keys (place, key, event_id, token) select g, sha256(g::text::bytea), g, '' from \(numbers);
            insert into @.evaluations (event_id, rule_set, evaluated_at, match_set) select g, 'v', now(), '' from \(numbers);
            insert into @.packages (event_id, package) select g, '{}' from \(numbers);
            insert into @.runs (event_id, rule_id, rule_set, state, due_at, created_at, finished_at)
                select g, 'other', 'v', 2, now(), '2018-01-01'::timestamptz + g * interval '1 s', now() from \(numbers);
            insert into @.steps (stream, run_id, attempt, generation, status, is_final, started_at, finished_at)
                select 999, id, 1, 0, 0, true, now(), now() from @.runs where rule_id = 'other';
            """
        )
    }
}
