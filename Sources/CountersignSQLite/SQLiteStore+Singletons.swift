import CountersignCore
package import CountersignStore
package import Foundation
import GRDB

extension SQLiteStore {
    /// Takes a singleton that is free, whose lease has expired, or which an earlier process held; returns who has it now.
    package func take(
        _ singleton: Singleton,
        as holder: String,
        under lease: Lease,
        at now: Date
    ) async throws -> SingletonHold {
        let process = process
        return try await writer.write { db in
            try SingletonTable(db: db, process: process).take(singleton, as: holder, under: lease, at: now)
        }
    }

    /// Makes the lease on a singleton last longer, and returns whether it still has it.
    package func renew(_ singleton: Singleton, under lease: Lease, at now: Date) async throws -> Bool {
        let process = process
        return try await writer.write { db in
            try db.change(
                "UPDATE singletons SET until = ? WHERE name = ? AND lease_id = ? AND process = ?",
                [lease.end(from: now), singleton.rawValue, lease.id, process]
            ) > 0
        }
    }

    /// Gives a singleton back.
    package func giveUp(_ singleton: Singleton, under lease: Lease.ID) async throws {
        try await writer.write { db in
            _ = try db.change(
                "UPDATE singletons SET lease_id = NULL WHERE name = ? AND lease_id = ?",
                [singleton.rawValue, lease]
            )
        }
    }
}

/// Who does the work of each singleton, within a transaction.
private struct SingletonTable {
    let db: Database

    /// The process that has the file: whatever another one held is free.
    let process: String

    func take(_ singleton: Singleton, as holder: String, under lease: Lease, at now: Date) throws -> SingletonHold {
        let known = try db.first(
            """
            SELECT holder, term, until, lease_id IS NOT NULL AND lease_id <> ? AND process = ? AND until > ?, lease_id
            FROM singletons WHERE name = ?
            """,
            [lease.id, process, now.milliseconds, singleton.rawValue]
        ) { row in
            (
                holder: row.text(at: 0) ?? "", term: Int(row.number(at: 1) ?? 0), until: row.number(at: 2) ?? 0,
                isTaken: row.number(at: 3) == 1, lease: row.text(at: 4)
            )
        }
        if let known, known.isTaken {
            let until = Date(milliseconds: known.until)
            return SingletonHold(holder: known.holder, term: known.term, until: until, isOwn: false)
        }
        let term = (known?.term ?? 0) + (known != nil && known?.lease == lease.id ? 0 : 1)
        let until = lease.end(from: now)
        try db.change(
            """
            INSERT INTO singletons (name, holder, term, until, lease_id, process) VALUES (?, ?, ?, ?, ?, ?)
            ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, term = excluded.term, until = excluded.until,
                lease_id = excluded.lease_id, process = excluded.process
            """,
            [singleton.rawValue, holder, term, until, lease.id, process]
        )
        return SingletonHold(holder: holder, term: term, until: Date(milliseconds: until), isOwn: true)
    }
}

extension Lease {
    /// When it ends that begins at `now`, in milliseconds since 1970.
    fileprivate func end(from now: Date) -> Int64 { now.addingTimeInterval(duration.timeInterval).milliseconds }
}
