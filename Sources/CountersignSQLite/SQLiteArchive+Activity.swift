package import CountersignCore
package import CountersignStore
package import Foundation
import GRDB

/// How much happens.
extension SQLiteArchive {
    /// The statistics of these rules; a rule without runs has empty ones.
    package func statistics(ofRules ids: [String], since date: Date) async throws -> [String: RuleStatistics] {
        let rows = try await read { db in
            try db.all(.statistics(ofRules: ids)) { row in
                (rule: row.text(at: 0) ?? "", failed: Int(row.number(at: 1) ?? 0), lastMatch: row.time(at: 2))
            }
        }
        var statistics: [String: RuleStatistics] = [:]
        for row in rows { statistics[row.rule] = RuleStatistics(failed: row.failed, lastMatch: row.lastMatch) }
        for count in try await activity(since: date) { statistics[count.ruleID]?.runs += count.count }
        return statistics
    }

    /// How many runs of a rule, or of all rules where `id` is nil, are in a state.
    package func runCount(ofRule id: String?, in state: Run.State) async throws -> Int {
        try await read { try $0.first(.runCount(ofRule: id, in: state)) { $0[0] } } ?? 0
    }

    /// How many runs were made in each hour since `date`, by rule and state; damaged runs are left out.
    package func activity(since date: Date) async throws -> [RunCounts] {
        try await read { db in
            guard let first = try db.firstRun(since: date) else { return [] }
            return
                try db.all(.activity(from: first, since: date)) { row -> RunCounts? in
                    var reader = RowReader(row)
                    let (hour, ruleID) = (reader.count(0, "hour"), reader.text(1, "rule"))
                    let (state, count) = (Run.State(rawValue: reader.text(2, "state")), reader.count(3, "count"))
                    // Damaged runs are reported one by one, and belong to no hour.
                    guard let state, reader.fault == nil else { return nil }
                    return RunCounts(hour: hour, ruleID: ruleID, state: state, count: count)
                }
                .compactMap(\.self)
        }
    }

    /// How many events were stored in each hour since `date`, by the number of the hour since 1970.
    package func arrivals(since date: Date) async throws -> [Int: Int] {
        try await read { db in
            var counts: [Int: Int] = [:]
            var start = date.milliseconds
            // An hour at a time, since SQLite would sort all of them to group them; empty hours are passed over.
            while let next = try db.first(.firstArrival(from: start), { $0.time(at: 0)?.milliseconds }) ?? nil {
                let hour = next / RunCounts.hour
                let end = (hour + 1) * RunCounts.hour
                counts[Int(hour)] = try db.first(.arrivals(from: next, to: end)) { $0[0] } ?? 0
                start = end
            }
            return counts
        }
    }

    /// The events that are not evaluated yet, and the queued runs, as they are at `now`.
    package func backlog(at now: Date) async throws -> Backlog {
        try await read { db in
            let due: Int = try db.first(.dueRuns(at: now)) { $0[0] } ?? 0
            let held: Int = try db.first(.heldRuns(after: now)) { $0[0] } ?? 0
            let oldestDue = (try db.first(.nextDueQueued) { $0.time(at: 0) } ?? nil).flatMap { $0 <= now ? $0 : nil }
            return Backlog(
                events: try db.first(.waitingEvents) { $0[0] } ?? 0,
                oldestEvent: try db.first(.oldestWaitingEvent) { $0.time(at: 0) } ?? nil,
                runs: try db.first(.queuedRuns) { $0[0] } ?? 0,
                dueRuns: due + held,
                oldestDue: [oldestDue, try Self.oldestHeld(db)].compactMap { $0 }.min()
            )
        }
    }

    /// When the oldest run was made that waits for its destination.
    private static func oldestHeld(_ db: Database) throws -> Date? {
        guard let id = try db.first(.oldestHeldRun, { $0[0] as Int64? }) ?? nil else { return nil }
        return try db.first("SELECT created_at FROM runs WHERE id = ?", [id]) { $0.time(at: 0) } ?? nil
    }

    /// The times from storing an event to the end of its run, for those of the latest `limit` runs that succeeded.
    package func runTimes(limit: Int) async throws -> [Duration] {
        try await read { db in
            try db.all(.runTimes(limit: limit)) { $0.time(at: 0).map { .milliseconds($0.milliseconds) } }
                .compactMap(\.self)
        }
    }
}

extension Query {
    /// How many runs of a rule, or of all rules where `id` is nil, are in a state.
    package static func runCount(ofRule id: String?, in state: Run.State) -> Query {
        guard let id else {
            return Query("SELECT count(*) FROM runs INDEXED BY runs_by_state WHERE state = ?", [state.rawValue])
        }
        return Query(
            "SELECT count(*) FROM runs INDEXED BY runs_by_rule_and_state WHERE rule_id = ? AND state = ?",
            [id, state.rawValue]
        )
    }

    /// Runs in each hour; `first` is the first that can be meant, since no index is ordered by their time.
    package static func activity(from first: Run.ID, since date: Date) -> Query {
        Query(
            """
            SELECT created_at / \(RunCounts.hour), rule_id, state, count(*) FROM runs
            WHERE id >= ? AND created_at >= ? GROUP BY 1, 2, 3
            """,
            [first.rawValue, date.milliseconds]
        )
    }

    /// The first time at which an event was stored from a time on, in milliseconds.
    package static func firstArrival(from time: Int64) -> Query {
        Query(
            "SELECT received_at FROM events INDEXED BY events_by_time WHERE received_at >= ? ORDER BY received_at LIMIT 1",
            [time]
        )
    }

    /// How many events were stored in a time.
    package static func arrivals(from start: Int64, to end: Int64) -> Query {
        Query(
            "SELECT count(*) FROM events INDEXED BY events_by_time WHERE received_at >= ? AND received_at < ?",
            [start, end]
        )
    }

    /// How many events are not dispatched yet.
    package static let waitingEvents = Query(
        "SELECT count(*) FROM events INDEXED BY events_waiting WHERE dispatched_at IS NULL"
    )

    /// When the first of the events was stored that are not dispatched yet, in milliseconds since 1970.
    package static let oldestWaitingEvent = Query(
        "SELECT received_at FROM events INDEXED BY events_waiting WHERE dispatched_at IS NULL ORDER BY id LIMIT 1"
    )

    /// How many runs are queued.
    package static let queuedRuns = Query("SELECT count(*) FROM runs INDEXED BY runs_by_state WHERE state = 'queued'")

    /// How many queued runs that wait for no other are due at `now`, by their due times alone.
    package static func dueRuns(at now: Date) -> Query {
        Query(
            "SELECT count(*) FROM runs INDEXED BY runs_due WHERE \(claimable) AND state = 'queued' AND due_at <= ?",
            [now.milliseconds]
        )
    }

    /// The earliest due time of a queued run that waits for no other.
    package static let nextDueQueued = Query(
        "SELECT due_at FROM runs INDEXED BY runs_due WHERE \(claimable) AND state = 'queued' "
            + "AND typeof(due_at) = 'integer' ORDER BY due_at LIMIT 1"
    )

    /// Runs that wait for a destination and are looked at again after a time.
    package static func heldRuns(after date: Date) -> Query {
        Query(
            "SELECT count(*) FROM runs INDEXED BY runs_waiting WHERE waiting_for IS NOT NULL AND due_at > ?",
            [date.milliseconds]
        )
    }

    /// The lowest number of a run that waits for a destination; null where none does.
    package static let oldestHeldRun = Query(
        "SELECT min(id) FROM runs INDEXED BY runs_waiting WHERE waiting_for IS NOT NULL"
    )

    /// The milliseconds from storing an event to the end of its run, for those of the latest `limit` runs that
    /// succeeded.
    package static func runTimes(limit: Int) -> Query {
        Query(
            """
            SELECT runs.finished_at - events.received_at FROM runs JOIN events ON events.id = runs.event_id
            WHERE runs.id > (SELECT max(id) FROM runs) - ? AND runs.state = 'succeeded'
            """,
            [limit]
        )
    }

    /// For each rule how many of its runs failed, and when the newest one was made.
    package static func statistics(ofRules ids: [String]) -> Query {
        Query(
            """
            SELECT value,
                (SELECT count(*) FROM runs INDEXED BY runs_by_rule_and_state WHERE rule_id = value AND state = 'failed'),
                (SELECT created_at FROM runs WHERE id = (
                    SELECT max(id) FROM runs INDEXED BY runs_by_rule WHERE rule_id = value
                ))
            FROM json_each(?)
            """,
            [JSON.array(ids.map { .string($0) }).text]
        )
    }
}

extension Database {
    /// The first run that was made at `date` or later, by halves: numbers and times grow together.
    func firstRun(since date: Date) throws -> Run.ID? {
        guard let highest = try first("SELECT max(id) FROM runs", [], { $0[0] as Int64? }) ?? nil else { return nil }
        var (low, high) = (Int64(0), highest)
        while low < high {
            let middle = low + (high - low) / 2
            let found = try first("SELECT id, created_at FROM runs WHERE id >= ? ORDER BY id LIMIT 1", [middle]) {
                (id: $0.number(at: 0) ?? middle, createdAt: $0.time(at: 1)?.milliseconds ?? .min)
            }
            guard let found else { return Run.ID(rawValue: low) }
            if found.createdAt < date.milliseconds { low = found.id + 1 } else { high = middle }
        }
        return Run.ID(rawValue: low)
    }
}
