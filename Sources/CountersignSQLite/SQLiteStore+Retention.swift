import CountersignCore
package import CountersignStore
package import Foundation
import GRDB

extension SQLiteStore: Prunable {
    /// Removes what is old enough of one slice, in one transaction.
    ///
    /// The newest event and the newest quarantined body stay: SQLite assigns the number after the highest one that is
    /// left.
    package func prune(
        _ kind: PrunableKind,
        before cutoff: Date,
        after position: Int64,
        limit: Int
    ) async throws -> PrunedSlice {
        try await writer.write { db in
            let old =
                try db.all(.oldest(kind, after: position, limit: limit)) { row in
                    // One whose time is damaged stays, as the statement below compares it, and holds up no other.
                    (id: row.number(at: 0) ?? 0, at: row.time(at: 1)?.milliseconds ?? .min)
                }
                .prefix { $0.at < cutoff.milliseconds }
            guard let last = old.last?.id else { return PrunedSlice(removed: 0, next: nil) }
            let removed = try db.change(kind.removal, [position, last, cutoff.milliseconds])
            return PrunedSlice(removed: removed, next: old.count == limit ? last : nil)
        }
    }

    /// Removes rule sets that were replaced more than a day before the oldest stored event was received.
    ///
    /// With no event in the store, none is removed.
    package func pruneRuleSets() async throws -> Int {
        try await writer.write { db in
            try db.change(
                // Clocks may differ, and a set is kept for those who look at its last events: hence the day.
                """
                DELETE FROM rule_sets WHERE NOT EXISTS (
                    SELECT 1 FROM activations WHERE rule_set = rule_sets.version AND number >= (
                        SELECT coalesce(max(number), 0) FROM activations
                        WHERE since <= (SELECT min(received_at) FROM events) - 86400000
                    )
                )
                """,
                []
            )
        }
    }
}

extension Query {
    /// Rows in the order in which they were made, with the time of each.
    fileprivate static func oldest(_ kind: PrunableKind, after position: Int64, limit: Int) -> Query {
        let time = kind == .steps ? "finished_at" : "received_at"
        return Query("SELECT id, \(time) FROM \(kind.rawValue) WHERE id > ? ORDER BY id LIMIT ?", [position, limit])
    }
}

extension PrunableKind {
    /// Takes the position before the slice, the last row of it, and the cutoff.
    fileprivate var removal: String {
        switch self {
        case .events:
            // The number of an event names its effects in the world, so the highest one stays: SQLite would give it again.
            """
            DELETE FROM events
            WHERE id > ?1 AND id <= ?2 AND received_at < ?3 AND dispatched_at IS NOT NULL
                AND id < (SELECT max(id) FROM events)
                AND NOT EXISTS (
                    SELECT 1 FROM runs
                    WHERE event_id = events.id AND state IN ('queued', 'waiting', 'running', 'failed')
                )
                AND NOT EXISTS (SELECT 1 FROM states WHERE event_id = events.id)
                AND NOT EXISTS (SELECT 1 FROM gathered WHERE event_id = events.id)
            """
        case .steps:
            """
            DELETE FROM steps
            WHERE id > ?1 AND id <= ?2 AND EXISTS (
                SELECT 1 FROM runs
                WHERE runs.id = steps.run_id AND state IN ('succeeded', 'discarded') AND runs.finished_at < ?3
            )
            """
        case .quarantine:
            """
            DELETE FROM quarantine
            WHERE id > ?1 AND id <= ?2 AND received_at < ?3 AND id < (SELECT max(id) FROM quarantine)
            """
        }
    }
}
