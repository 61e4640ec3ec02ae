import CountersignCore
import CountersignSQLite
import CountersignStore
import CountersignTesting
import Foundation
import GRDB
import Testing

/// Rows that a flipped bit or a foreign program has spoiled: they are reported, and hide no other.
struct DamageTests {
    private let folder: TemporaryFolder
    private var path: String { folder.path + "/damage.db" }
    private let now = Date(timeIntervalSince1970: 1_800_000_000)

    init() throws {
        folder = try TemporaryFolder()
    }

    /// Three events with a run each, of which each has an attempt.
    private func fill() async throws {
        let store = try SQLiteStore.open(path: path)
        for number in 1...3 {
            let body = #"{"name":"PACKAGE_COMPLETE","packageId":"p","i":\#(number)}"#
            _ = try await store.append(SampleDelivery.delivery(body, isUnique: true), at: now)
        }
        let version = RuleSetVersion(rawValue: "v")
        let rules = ProposedRules(
            version,
            sources: ["folder": "/", "label": "", "files": []],
            by: "one",
            because: .start
        )
        _ = try await store.activate(rules, after: 0, at: now)
        let dispatches = (1...3)
            .map { number in
                Dispatch(
                    eventID: Event.ID(rawValue: Int64(number)),
                    ruleSet: version,
                    ruleIDs: ["r"],
                    matchSet: MatchSet(matches: [0])
                )
            }
        try await store.dispatch(dispatches, at: now)
        let lease = Lease(id: "l", for: .seconds(60))
        for run in try await store.claim(limit: 10, lease: lease, at: now) {
            let record = StepRecord(
                stepID: "s",
                attempt: 1,
                generation: 0,
                status: .succeeded,
                isFinal: true,
                plan: ["a": 1],
                output: ["b": 2],
                reason: nil,
                startedAt: now,
                finishedAt: now
            )
            try await store.release(run.run.id, lease: "l", to: .succeeded, recording: record, raising: nil, at: now)
        }
        await store.close()
    }

    /// Puts a value where the schema lets none stand, as damage does.
    private func spoil(_ table: String, _ column: String, _ value: String) throws {
        let queue = try DatabaseQueue(path: path)
        try queue.inDatabase { db in
            let sql =
                try String.fetchOne(db, sql: "SELECT sql FROM sqlite_schema WHERE name = ?", arguments: [table]) ?? ""
            let loose = sql.replacing(/\n *CHECK .*,/, with: "").replacing(" NOT NULL", with: "")
                .replacing(") STRICT", with: ")")
                .replacing(/\ CHECK \(state IN \([^)]*\)\)/, with: "")
            try db.execute(sql: "PRAGMA writable_schema = ON")
            try db.execute(sql: "UPDATE sqlite_schema SET sql = ? WHERE name = ?", arguments: [loose, table])
            try db.execute(sql: "PRAGMA writable_schema = RESET")
            try db.execute(sql: "UPDATE \(table) SET \(column) = \(value) WHERE id = 2")
            try db.execute(sql: "PRAGMA writable_schema = ON")
            try db.execute(sql: "UPDATE sqlite_schema SET sql = ? WHERE name = ?", arguments: [sql, table])
            try db.execute(sql: "PRAGMA writable_schema = RESET")
        }
        try queue.close()
    }

    private static let places: [(table: String, column: String)] = [
        ("events", "name"), ("events", "body"), ("events", "origin"), ("events", "received_at"),
        ("events", "duplicates"),
        ("events", "dispatched_at"), ("events", "rule_set"), ("events", "match_set"), ("events", "body_hash"),
        ("events", "package"), ("runs", "rule_id"), ("runs", "rule_set"), ("runs", "state"), ("runs", "due_at"),
        ("runs", "retries"), ("runs", "created_at"), ("runs", "finished_at"), ("runs", "resume_step"),
        ("runs", "resume_generation"),
        ("runs", "waiting_for"), ("runs", "wait_reason"), ("runs", "part"), ("runs", "facts"), ("runs", "slot"),
        ("runs", "superseded_by"), ("steps", "step_id"), ("steps", "attempt"),
        ("steps", "generation"),
        ("steps", "status"), ("steps", "is_final"), ("steps", "plan"), ("steps", "output"), ("steps", "reason"),
        ("steps", "started_at"), ("steps", "finished_at"),
    ]

    @Test(arguments: places, ["NULL", "'zzz'", "-9223372036854775808", "9223372036854775807", "x'ff00'", "1.5e300"])
    func `no value in a column ends the program or hides the other rows`(
        place: (table: String, column: String),
        value: String
    ) async throws {
        try await fill()
        try spoil(place.table, place.column, value)
        let archive = try SQLiteArchive.open(path: path)
        #expect(try await archive.events(EventQuery(limit: 10)).count == 3)
        #expect(try await archive.runs(RunQuery(limit: 10)).count == 3)
        #expect(try await archive.page(of: EventQuery(text: "PACKAGE", limit: 10)).events.count >= 2)
        for id in Int64(1)...3 {
            _ = try await archive.event(Event.ID(rawValue: id))
            #expect(try await archive.run(Run.ID(rawValue: id))?.records.count == 1)
        }
        #expect(try await archive.run(Run.ID(rawValue: 1))?.damage == nil)
        _ = try await archive.packages(PackageQuery(limit: 10))
        _ = try await archive.newest(10, since: nil, TailFilter())
        _ = try await archive.activity(since: now.addingTimeInterval(-60))
        _ = try await archive.arrivals(since: now.addingTimeInterval(-60))
        _ = try await archive.backlog(at: now)
        _ = try await archive.runTimes(limit: 10)
        _ = try await archive.runCounts()
        _ = try await archive.check()
        try archive.close()
        // The server starts on it, too, and goes on with what is whole.
        let store = try SQLiteStore.open(path: path)
        _ = try await store.rescue(.everyones, at: now)
        _ = try await store.claim(limit: 10, lease: Lease(id: "m", for: .seconds(60)), at: now)
        _ = try await store.undispatched(limit: 10, at: now)
        _ = try await store.nextDue()
        for kind in PrunableKind.allCases {
            _ = try await store.prune(kind, before: now.addingTimeInterval(60), after: 0, limit: 10)
        }
        await store.close()
    }

    @Test(arguments: [
        ("events", "received_at", "NULL", "event 2"), ("events", "origin", "'zzz'", "event 2"),
        ("runs", "state", "'zzz'", "run 2"), ("steps", "generation", "NULL", "step record 2"),
        ("steps", "finished_at", "-9223372036854775808", "step record 2"),
        ("steps", "status", "'zzz'", "step record 2"),
    ])
    func `a damaged row is reported where it is listed, and found by the check`(
        table: String,
        column: String,
        value: String,
        place: String
    ) async throws {
        try await fill()
        try spoil(table, column, value)
        let archive = try SQLiteArchive.open(path: path)
        #expect(try await archive.check().damages.contains { $0.place == place })
        let run = try #require(try await archive.run(Run.ID(rawValue: 2)))
        let told = [run.damage, run.records.first?.reason].compactMap(\.self)
        #expect(told.contains { $0.contains("\(place) is damaged: its ") }, "\(told)")
        try archive.close()
    }
}
