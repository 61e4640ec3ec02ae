import CountersignCore
import CountersignStore
import Foundation
import GRDB

/// What happens to runs inside one transaction; a refusal is thrown before anything is written.
struct RunTable {
    let db: Database

    /// - Returns: How many runs were made.
    func make(_ dispatches: [Dispatch], at now: Date) throws -> Int {
        var made = 0
        for dispatch in dispatches {
            let isNew = try mark(dispatch, at: now)
            for ruleID in dispatch.ruleIDs where isNew {
                let run = try insert(NewRun(ruleID, of: dispatch, at: now), at: now)
                if run.isNew { made += 1 }
            }
        }
        return made
    }

    /// Marks an event as dispatched; false when it is so already.
    private func mark(_ dispatch: Dispatch, at now: Date) throws -> Bool {
        let statement = try PreparedStatement(
            """
            UPDATE events SET dispatched_at = ?, rule_set = CAST(? AS TEXT), match_set = ?
            WHERE id = ? AND dispatched_at IS NULL
            """,
            in: db
        )
        defer { statement.reset() }
        statement.bind(now.milliseconds, at: 1)
        statement.bind(dispatch.eventID.rawValue, at: 4)
        var ruleSet = dispatch.ruleSet.rawValue
        return try ruleSet.withUTF8 { ruleSet in
            try dispatch.matchSet.bytes.withUnsafeBytes { matchSet in
                statement.bind(UnsafeRawBufferPointer(ruleSet), at: 2)
                statement.bind(matchSet, at: 3)
                _ = try statement.step()
            }
            return db.changesCount > 0
        }
    }

    func claim(limit: Int, lease: Lease, at now: Date) throws -> [ClaimedRow] {
        let due = try db.all(.due(at: now, limit: max(0, limit))) { Run.ID(rawValue: $0.number(at: 0) ?? 0) }
        return try due.compactMap { id in
            try db.change(
                """
                UPDATE runs SET state = 'running', lease_id = ?1, lease_until = ?2, waiting_for = NULL, wait_reason = NULL,
                    queue_since = CASE WHEN queue IS NOT NULL THEN coalesce(queue_since, ?3) END
                WHERE id = ?4
                """,
                [
                    lease.id, now.addingTimeInterval(lease.duration.timeInterval).milliseconds, now.milliseconds,
                    id.rawValue,
                ]
            )
            return try ClaimedRow(id, in: db)
        }
    }

    func begin(stepID: String, attempt: Int, of run: Run.ID, lease: Lease.ID, at now: Date) throws {
        let changed = try db.change(
            """
            UPDATE runs SET step_id = ?, step_attempt = ?, step_started_at = ?
            WHERE id = ? AND state = 'running' AND lease_id = ?
            """,
            [stepID, attempt, now.milliseconds, run.rawValue, lease]
        )
        guard changed > 0 else { throw StoreError.leaseLost(run) }
    }

    func record(_ step: NewStep, of run: Run.ID, lease: Lease.ID) throws {
        let changed = try db.change(
            """
            UPDATE runs SET step_id = NULL, step_attempt = NULL, step_started_at = NULL, home = coalesce(home, ?)
            WHERE id = ? AND state = 'running' AND lease_id = ?
            """,
            [step.home, run.rawValue, lease]
        )
        guard changed > 0 else { throw StoreError.leaseLost(run) }
        try step.insert(for: run, in: db)
    }

    /// - Returns: Whether the slot of the run went to the next one of its queue.
    func release(
        _ run: Run.ID,
        lease: Lease.ID,
        to ending: RunEnding,
        recording step: NewStep?,
        at now: Date
    ) throws -> Bool {
        if case .unmatched(let place) = ending { return try takeBack(run, lease, place) }
        let end = ReleasedRun(ending)
        let left = try db.first(
            """
            UPDATE runs SET state = ?1, due_at = coalesce(?2, due_at), finished_at = ?3, lease_id = NULL,
                lease_until = NULL, step_id = NULL, step_attempt = NULL, step_started_at = NULL,
                waiting_for = ?4, wait_reason = ?5, home = coalesce(home, ?6),
                slot = CASE WHEN ?7 OR ?8 AND queue_holds THEN slot END,
                queue_since = CASE WHEN ?7 OR ?8 AND queue_holds THEN queue_since END
            WHERE id = ?9 AND state = 'running' AND lease_id = ?10 RETURNING queue, slot
            """,
            [
                end.state.rawValue, end.dueAt, end.dueAt == nil ? now.milliseconds : nil, end.wait?.destination,
                end.wait?.reason, step?.home, end.dueAt != nil, end.state == .failed, run.rawValue, lease,
            ]
        ) { (queue: $0.text(at: 0), slot: $0.number(at: 1)) }
        guard let left else { throw StoreError.leaseLost(run) }
        try step?.insert(for: run, in: db)
        if case .cancelled(let decision) = ending { try DecisionTable(db: db).insert(decision) }
        guard let queue = left.queue, left.slot == nil else { return false }
        return try RunQueue(db: db, name: queue).advance()
    }

    /// Removes a run whose rule does not match after all.
    private func takeBack(_ run: Run.ID, _ lease: Lease.ID, _ place: Int) throws -> Bool {
        let event = try db.first(
            "DELETE FROM runs WHERE id = ? AND state = 'running' AND lease_id = ? RETURNING event_id, rule_set, queue",
            [run.rawValue, lease]
        ) { (id: $0.number(at: 0) ?? 0, ruleSet: $0.text(at: 1) ?? "", queue: $0.text(at: 2)) }
        guard let event else { throw StoreError.leaseLost(run) }
        try unmark(event.id, event.ruleSet, place)
        return try event.queue.map { try RunQueue(db: db, name: $0).advance() } ?? false
    }

    /// Takes the rule at a place of its set out of what matched an event.
    private func unmark(_ event: Int64, _ ruleSet: String, _ place: Int) throws {
        let latest = try db.first(
            "SELECT id, match_set, rule_set FROM evaluations WHERE event_id = ? ORDER BY id DESC LIMIT 1",
            [event]
        ) { (id: $0.number(at: 0) ?? 0, matchSet: try $0.bytes(at: 1), ruleSet: $0.text(at: 2)) }
        if let latest, latest.ruleSet == ruleSet {
            let rest = MatchSet(bytes: latest.matchSet).without(place)
            try db.change("UPDATE evaluations SET match_set = ? WHERE id = ?", [Data(rest.bytes), latest.id])
        }
        // A replay by another set left the matches of the first one alone.
        let matchSet = try db.first(
            "SELECT match_set FROM events WHERE id = ? AND rule_set = ?",
            [event, ruleSet]
        ) { row in
            row.hasNull(atIndex: 0) ? [] : try row.bytes(at: 0)
        }
        guard let matchSet else { return }
        let rest = MatchSet(bytes: matchSet).without(place)
        try db.change("UPDATE events SET match_set = ? WHERE id = ?", [Data(rest.bytes), event])
    }

    func renew(_ lease: Lease, at now: Date) throws {
        try db.change(
            "UPDATE runs INDEXED BY runs_leased SET lease_until = ? WHERE lease_id = ? AND state = 'running'",
            [now.addingTimeInterval(lease.duration.timeInterval).milliseconds, lease.id]
        )
    }

    func rescue(_ whose: RescuedRuns, at now: Date) throws -> Int {
        let abandoned = try db.all(.abandoned(at: whose == .everyones ? nil : now)) { AbandonedRun($0) }
        for run in abandoned {
            if let step = run.interruption(at: now) { try NewStep(step).insert(for: run.id, in: db) }
            try db.change(
                """
                UPDATE runs SET state = 'queued', due_at = ?, lease_id = NULL, lease_until = NULL,
                    step_id = NULL, step_attempt = NULL, step_started_at = NULL
                WHERE id = ?
                """,
                [now.milliseconds, run.id.rawValue]
            )
        }
        // Whom runs wait for, and until when, only the owner knew.
        if whose == .everyones {
            try db.change(
                """
                UPDATE runs INDEXED BY runs_waiting SET due_at = ?1, waiting_for = NULL, wait_reason = NULL
                WHERE waiting_for IS NOT NULL AND substr(waiting_for, 1, length(?2)) <> ?2
                """,
                [now.milliseconds, PacedResumption.prefix]
            )
        }
        return abandoned.count
    }

    func retry(_ run: Run.ID, from step: String?, by ruleSet: RuleSetVersion?, at now: Date) throws {
        try expect(run, in: [.failed], wanted: "failed")
        // On the right, SQLite sees the values of before.
        let queue = try db.first(
            """
            UPDATE runs SET state = 'queued', retries = retries + 1, due_at = ?1, finished_at = NULL,
                resume_step = coalesce(?2, resume_step),
                resume_generation = CASE WHEN ?2 IS NULL THEN resume_generation ELSE retries + 1 END,
                rule_set = coalesce(?4, rule_set)
            WHERE id = ?3 RETURNING queue
            """,
            [now.milliseconds, step, run.rawValue, ruleSet?.rawValue]
        ) { $0.text(at: 0) }
        if let queue = queue ?? nil { _ = try RunQueue(db: db, name: queue).advance() }
    }

    func replay(_ dispatches: [Dispatch], restartsEnded: Bool, at now: Date) throws -> [ReplayedRun] {
        var replayed: [ReplayedRun] = []
        for dispatch in dispatches {
            try db.change(
                "INSERT INTO evaluations (event_id, evaluated_at, rule_set, match_set) VALUES (?, ?, ?, ?)",
                [
                    dispatch.eventID.rawValue, now.milliseconds, dispatch.ruleSet.rawValue,
                    Data(dispatch.matchSet.bytes),
                ]
            )
            for ruleID in dispatch.ruleIDs {
                let outcome = try replay(ruleID, of: dispatch, restartsEnded: restartsEnded, at: now)
                replayed.append(ReplayedRun(eventID: dispatch.eventID, ruleID: ruleID, outcome: outcome))
                if dispatch.forgetsPackage, outcome != .unchanged {
                    try db.change("UPDATE events SET package = NULL WHERE id = ?", [dispatch.eventID.rawValue])
                }
            }
        }
        return replayed
    }

    /// Makes the run of a rule, or begins those again that have ended.
    private func replay(
        _ ruleID: String,
        of dispatch: Dispatch,
        restartsEnded: Bool,
        at now: Date
    ) throws -> ReplayOutcome {
        let known = try db.all(
            "SELECT \(Run.columns) FROM runs WHERE event_id = ? AND rule_id = ? ORDER BY id",
            [dispatch.eventID.rawValue, ruleID]
        ) { Run($0) }
        guard !known.isEmpty else {
            _ = try insert(NewRun(ruleID, of: dispatch, at: now), at: now)
            return .created
        }
        // A damaged run is left as it is, for somebody to look at.
        let ended = known.filter { run in
            run.damage == nil && ReplayedRun.outcome(ofRunIn: run.state, restarting: restartsEnded) == .restarted
        }
        for run in ended {
            try db.change(
                """
                UPDATE runs SET state = 'queued', rule_set = ?, retries = retries + 1, due_at = ?, finished_at = NULL,
                    resume_step = NULL, resume_generation = retries + 1, home = NULL, superseded_by = NULL
                WHERE id = ?
                """,
                [dispatch.ruleSet.rawValue, now.milliseconds, run.id.rawValue]
            )
            if let queue = run.place?.queue { _ = try RunQueue(db: db, name: queue).advance() }
        }
        return ended.isEmpty ? .unchanged : .restarted
    }

    func wake(waitingFor destination: String, limit: Int, at now: Date) throws -> Int {
        try db.change(
            """
            UPDATE runs SET due_at = ?, waiting_for = NULL, wait_reason = NULL
            WHERE id IN (
                SELECT id FROM runs INDEXED BY runs_waiting WHERE waiting_for = ? ORDER BY id LIMIT ?
            )
            """,
            [now.milliseconds, destination, max(0, limit)]
        )
    }

    func bringForward(by seconds: TimeInterval, at now: Date) throws -> Int {
        let arguments: StatementArguments = [now.milliseconds, Int64(seconds * 1_000)]
        let claimable = try db.change(
            """
            UPDATE runs INDEXED BY runs_due SET due_at = max(?1, due_at - ?2)
            WHERE \(Query.claimable) AND state = 'queued' AND due_at > ?1
            """,
            arguments
        )
        let waiting = try db.change(
            """
            UPDATE runs INDEXED BY runs_in_queue SET due_at = max(?1, due_at - ?2)
            WHERE \(Query.inQueue) AND due_at > ?1
            """,
            arguments
        )
        // Of runs in a step `wait` those that wait for a time.
        let pausing = try db.change(
            """
            UPDATE runs INDEXED BY runs_due SET due_at = max(?1, due_at - ?2)
            WHERE \(Query.claimable) AND state = 'waiting' AND due_at > ?1 AND (
                SELECT iif(json_valid(plan), json_extract(plan, '$.for'), NULL) FROM steps INDEXED BY steps_by_run
                WHERE run_id = runs.id ORDER BY id DESC LIMIT 1
            ) IS NOT NULL
            """,
            arguments
        )
        return claimable + waiting + pausing + (try StateTable(db: db).bringForward(by: seconds, at: now))
    }

    /// - Returns: Whether the slot of the run went to the next one of its queue.
    func discard(_ run: Run.ID, at now: Date) throws -> Bool {
        try expect(run, in: [.failed, .queued, .waiting], wanted: "failed, queued or waiting")
        let queue = try db.first(
            """
            UPDATE runs SET state = 'discarded', finished_at = ?, waiting_for = NULL, wait_reason = NULL, slot = NULL,
                queue_since = NULL
            WHERE id = ? RETURNING queue
            """,
            [now.milliseconds, run.rawValue]
        ) { $0.text(at: 0) }
        return try (queue ?? nil).map { try RunQueue(db: db, name: $0).advance() } ?? false
    }

    private func expect(_ id: Run.ID, in states: [Run.State], wanted: String) throws {
        let run = try db.first("SELECT \(Run.columns) FROM runs WHERE id = ?", [id.rawValue]) { Run($0) }
        guard let run else { throw StoreError.noSuchRun(id) }
        if let damage = run.damage { throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: damage) }
        guard states.contains(run.state) else { throw StoreError.wrongState(id, run.state, wanted: wanted) }
    }
}

/// A running run that lost its owner.
private struct AbandonedRun {
    let id: Run.ID
    private let retries: Int
    private let stepID: String?
    private let attempt: Int?
    private let startedAt: Date?

    init(_ row: Row) {
        var reader = RowReader(row)
        id = Run.ID(rawValue: reader.integer(0, "number"))
        retries = reader.count(1, "count of retries")
        stepID = reader.optionalText(2, "step")
        attempt = reader.optionalCount(3, "attempt")
        startedAt = reader.optionalTime(4, "time of beginning")
    }

    /// The record of the step that was under way; nil between steps.
    func interruption(at now: Date) -> StepRecord? {
        guard let stepID, let attempt, let startedAt else { return nil }
        return .interrupted(stepID: stepID, attempt: attempt, generation: retries, startedAt: startedAt, at: now)
    }
}

/// The columns that a run has when its worker lets go of it.
private struct ReleasedRun {
    let state: Run.State

    /// In milliseconds since 1970; nil for one that has ended.
    let dueAt: Int64?
    let wait: RunWait?

    init(_ ending: RunEnding) {
        (state, dueAt, wait) =
            switch ending {
            case .succeeded: (.succeeded, nil, nil)
            case .failed: (.failed, nil, nil)
            case .cancelled, .unmatched: (.discarded, nil, nil)
            case .queued(let dueAt): (.queued, dueAt.milliseconds, nil)
            case .paused(let until): (.waiting, until.milliseconds, nil)
            case .waiting(let wait, let dueAt): (.queued, dueAt.milliseconds, wait)
            }
    }
}
