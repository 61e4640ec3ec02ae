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
        try place.sql("analyze @.events, @.event_keys, @.evaluations, @.packages, @.runs, @.steps, @.inbox, @.streams")
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
        _ = try await store.rescue(.expired, at: now)
        _ = try await store.wake(waitingFor: "erp:443", limit: 10, at: now)
        _ = try await store.keep(package: ["name": "n"], of: id)
        return id
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
