import CountersignCore
import CountersignStore
import Foundation
import GRDB

/// Runs that waited for the end of a pause.
extension RunTable {
    /// Makes them due; returns whether something was paused, or some of them had a pace before.
    func resume(_ subject: Pause.Subject, wasPaused: Bool, pace: ResumePace?, at now: Date) throws -> Bool {
        let prefix = PacedResumption.prefix(of: subject)
        let isPaced = "(waiting_for IS NOT NULL AND substr(waiting_for, 1, length(?6)) = ?6)"
        let wasPaced =
            try db.first(
                "SELECT 1 FROM runs INDEXED BY runs_waiting WHERE \(isPaced.replacing("?6", with: "?1")) LIMIT 1",
                [prefix]
            ) { _ in true } ?? false
        guard let pace else {
            _ = try db.change(
                """
                UPDATE runs SET due_at = ?1, waiting_for = NULL, wait_reason = NULL WHERE id IN (
                    SELECT id FROM runs INDEXED BY runs_waiting
                    WHERE waiting_for IS NOT NULL
                        AND (waiting_for = ?2 OR substr(waiting_for, 1, length(?3)) = ?3)
                )
                """,
                [now.milliseconds, subject.waitDestination, prefix]
            )
            return wasPaused || wasPaced
        }
        guard wasPaused || wasPaced else { return false }
        // Runs that nobody claimed during the pause are due, and wait for nothing.
        let isUnclaimed = "state = 'queued' AND waiting_for IS NULL AND due_at <= ?1"
        let wait = PacedResumption.wait(for: subject, pace)
        switch subject {
        case .destination(let name):
            _ = try spread("(waiting_for = ?7 OR \(isPaced))", [prefix, name], at: pace.rate, from: now, wait)
        case .account:
            let waits = "(waiting_for = ?7 OR \(isPaced))"
            _ = try spread(waits, [prefix, subject.waitDestination], at: pace.rate, from: now, wait)
        case .rule(let id):
            _ = try spread(
                "(waiting_for = ?7 OR \(isPaced) OR (rule_id = ?8 AND \(isUnclaimed)))",
                [prefix, subject.waitDestination, id],
                at: pace.rate,
                from: now,
                wait
            )
        case .everything:
            // What has a pace of its own and became due during the pause would begin all at once.
            _ = try spread(
                """
                (\(isPaced) OR (state = 'queued' AND due_at <= ?1
                    AND (waiting_for IS NULL OR substr(waiting_for, 1, length(?7)) = ?7)))
                """,
                [prefix, PacedResumption.prefix],
                at: pace.rate,
                from: now,
                wait
            )
        }
        return true
    }

    /// Makes runs due one after another; `chosen` begins with the parameter `?6`.
    func spread(
        _ chosen: String,
        _ arguments: StatementArguments,
        at rate: Rate,
        from now: Date,
        _ wait: RunWait
    ) throws -> Int {
        try db.change(
            """
            UPDATE runs SET due_at = ?1 + w.number * ?2 / ?3, waiting_for = ?4, wait_reason = ?5
            FROM (
                SELECT id AS run, row_number() OVER (ORDER BY id) - 1 AS number FROM runs WHERE \(chosen)
            ) AS w
            WHERE id = w.run
            """,
            [now.milliseconds, rate.span.milliseconds, rate.count, wait.destination, wait.reason] + arguments
        )
    }
}
