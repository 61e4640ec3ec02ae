import CountersignCore
import CountersignStore
import Foundation
import GRDB

extension RunTable {
    /// Makes a run, unless its rule has one of this part for the event.
    ///
    /// - Returns: The number of the run that is there, and whether it is new.
    func insert(_ run: NewRun, at now: Date) throws -> (id: Run.ID, isNew: Bool) {
        let place = run.place
        let made = try db.change(
            """
            INSERT INTO runs (event_id, rule_id, rule_set, state, due_at, created_at, part, facts, queue, slot, queue_limit,
                queue_holds, happened_at, queue_since)
            VALUES (?, ?, ?, 'queued', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (event_id, rule_id, part) DO NOTHING
            """,
            [
                run.eventID.rawValue, run.ruleID, run.ruleSet.rawValue, run.dueAt.milliseconds, now.milliseconds,
                run.part,
                run.facts?.text, place?.queue, place?.slot, place?.limit, place?.holdsOnFailure,
                place?.happenedAt.milliseconds, place?.since?.milliseconds,
            ]
        )
        if made > 0 { return (Run.ID(rawValue: db.lastInsertedRowID), true) }
        let known = try db.first(
            "SELECT id FROM runs WHERE event_id = ? AND rule_id = ? AND part = ?",
            [run.eventID.rawValue, run.ruleID, run.part]
        ) { Run.ID(rawValue: $0.number(at: 0) ?? 0) }
        return (known ?? Run.ID(rawValue: 0), false)
    }

    /// Removes a run that looked up a package for a decision; the match of its event stays.
    ///
    /// - Throws: `StoreError.leaseLost`.
    func removeLookUp(_ run: Run.ID, lease: Lease.ID) throws {
        let removed = try db.change(
            "DELETE FROM runs WHERE id = ? AND state = 'running' AND lease_id = ?",
            [run.rawValue, lease]
        )
        guard removed > 0 else { throw StoreError.leaseLost(run) }
    }

    /// Makes sure that a run belongs to a lease.
    ///
    /// - Throws: `StoreError.leaseLost`.
    func expect(_ run: Run.ID, lease: Lease.ID) throws {
        let found = try db.first(
            "SELECT 1 FROM runs WHERE id = ? AND state = 'running' AND lease_id = ?",
            [run.rawValue, lease]
        ) { _ in true }
        guard found != nil else { throw StoreError.leaseLost(run) }
    }

    /// Gives a run a slot, or takes its own; gives the queue that it is in.
    func move(_ run: Run.ID, to slot: Int?) throws -> String? {
        try db.first(
            """
            UPDATE runs SET slot = ?, queue_since = NULL
            WHERE id = ? AND queue IS NOT NULL AND state IN ('queued', 'waiting') RETURNING queue
            """,
            [slot, run.rawValue]
        ) { $0.text(at: 0) } ?? nil
    }

    /// Discards a run that waits, as another one takes its place; gives the queue that it was in.
    func supersede(_ run: Run.ID, at now: Date) throws -> String? {
        try db.first(
            """
            UPDATE runs SET state = 'discarded', finished_at = ?, waiting_for = NULL, wait_reason = NULL, slot = NULL,
                queue_since = NULL
            WHERE id = ? AND state IN ('queued', 'waiting') RETURNING queue
            """,
            [now.milliseconds, run.rawValue]
        ) { $0.text(at: 0) } ?? nil
    }

    /// Notes which run took the place of a discarded one.
    func note(_ successor: Run.ID, inPlaceOf run: Run.ID) throws {
        try db.change(
            "UPDATE runs SET superseded_by = ? WHERE id = ? AND state = 'discarded'",
            [successor.rawValue, run.rawValue]
        )
    }
}

/// The runs of a concurrency key, within a transaction.
struct RunQueue {
    let db: Database
    let name: String

    /// Gives the free slots to the runs that wait longest by their own time; whether there were both.
    func advance() throws -> Bool {
        var taken: Set<Int64>?
        var isHandedOver = false
        while let next = try db.first(.nextInQueue(name), { (id: $0.number(at: 0) ?? 0, limit: $0.number(at: 1) ?? 0) })
        {
            var slots = try taken ?? Set(db.all(.slots(of: name)) { $0.number(at: 0) ?? 0 })
            guard let free = (0..<max(0, next.limit)).first(where: { !slots.contains($0) }) else { break }
            try db.change("UPDATE runs SET slot = ?, queue_since = NULL WHERE id = ?", [free, next.id])
            slots.insert(free)
            taken = slots
            isHandedOver = true
        }
        return isHandedOver
    }

    /// The runs that have a slot, and the newest of those that wait; all that wait are counted for people only, as there may
    /// be many.
    func state(countsAll: Bool) throws -> QueueState {
        let waiting = try db.all(.newestInQueue(name)) { QueueState.Member($0) }
        return QueueState(
            holders: try db.all(.holders(of: name)) { QueueState.Member($0) },
            waiting: waiting,
            waitingCount: countsAll
                ? try db.first(.countInQueue(name)) { Int($0.number(at: 0) ?? 0) } ?? 0 : waiting.count
        )
    }
}

extension QueueState.Member {
    fileprivate init(_ row: Row) {
        self.init(
            run: Run.ID(rawValue: row.number(at: 0) ?? 0),
            eventID: Event.ID(rawValue: row.number(at: 1) ?? 0),
            ruleID: row.text(at: 5) ?? "",
            part: row.text(at: 6) ?? "",
            happenedAt: row.time(at: 2) ?? Date(milliseconds: 0),
            slot: row.number(at: 3).map { Int($0) },
            hasBegun: row.number(at: 4) == 1
        )
    }

    fileprivate static let columns = """
        id, event_id, happened_at, slot,
            queue_since IS NOT NULL OR EXISTS (SELECT 1 FROM steps INDEXED BY steps_by_run WHERE run_id = runs.id),
            rule_id, part
        """
}

extension Query {
    /// The run that has the next slot of a queue, with the number of slots.
    package static func nextInQueue(_ name: String) -> Query {
        Query(
            """
            SELECT id, queue_limit FROM runs INDEXED BY runs_in_queue
            WHERE queue = ? AND \(inQueue) ORDER BY happened_at, event_id, id LIMIT 1
            """,
            [name]
        )
    }

    /// The newest runs that wait for a slot of a queue.
    package static func newestInQueue(_ name: String) -> Query {
        Query(
            """
            SELECT \(QueueState.Member.columns) FROM runs INDEXED BY runs_in_queue
            WHERE queue = ? AND \(inQueue) ORDER BY happened_at DESC, event_id DESC, id DESC
            LIMIT \(QueueState.mostWaiting)
            """,
            [name]
        )
    }

    /// How many runs wait for a slot of a queue.
    package static func countInQueue(_ name: String) -> Query {
        Query("SELECT count(*) FROM runs INDEXED BY runs_in_queue WHERE queue = ? AND \(inQueue)", [name])
    }

    /// The slots of a queue that are taken.
    package static func slots(of name: String) -> Query {
        Query("SELECT slot FROM runs INDEXED BY runs_slots WHERE queue = ? AND slot IS NOT NULL", [name])
    }

    /// The runs that have a slot of a queue.
    package static func holders(of name: String) -> Query {
        Query(
            """
            SELECT \(QueueState.Member.columns) FROM runs INDEXED BY runs_slots
            WHERE queue = ? AND slot IS NOT NULL ORDER BY slot
            """,
            [name]
        )
    }

    /// The queues in which runs wait, those that wait longest first: how many, and the one that was made first.
    package static func waitingQueues(limit: Int) -> Query {
        Query(
            """
            SELECT queue, count(*), min(id) FROM runs INDEXED BY runs_in_queue
            WHERE \(inQueue) GROUP BY queue ORDER BY min(id) LIMIT ?
            """,
            [limit]
        )
    }

    /// The queues that a failed run holds.
    package static func heldQueues(limit: Int) -> Query {
        Query(
            """
            SELECT DISTINCT queue FROM runs INDEXED BY runs_holding WHERE slot IS NOT NULL AND state = 'failed'
            ORDER BY queue LIMIT ?
            """,
            [limit]
        )
    }
}

extension Database {
    /// A queue with so many runs that wait, of which `first` was made first.
    func summary(ofQueue name: String, waiting: Int = 0, first: Int64? = nil) throws -> QueueSummary {
        let since = try first.flatMap { id in
            try self.first("SELECT created_at FROM runs WHERE id = ?", [id]) { $0.time(at: 0) } ?? nil
        }
        let holders = try all(
            """
            SELECT id, queue_since, state FROM runs INDEXED BY runs_slots WHERE queue = ? AND slot IS NOT NULL
            """,
            [name]
        ) { (id: Run.ID(rawValue: $0.number(at: 0) ?? 0), since: $0.time(at: 1), state: $0.text(at: 2)) }
        return QueueSummary(
            queue: name,
            holders: holders.map(\.id).sorted { $0.rawValue < $1.rawValue },
            heldSince: holders.compactMap(\.since).min(),
            isHeldByFailure: holders.contains { $0.state == Run.State.failed.rawValue },
            waiting: waiting,
            waitingSince: since
        )
    }
}
