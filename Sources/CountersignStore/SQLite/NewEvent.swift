import CountersignModel
import Crypto
import Foundation
import GRDB

/// An event ready to be inserted: all that can be made ready before the writer's turn.
struct NewEvent: Sendable {
    private let values: StatementArguments
    private let deduplicationKey: Data?

    /// What strangers wrote is bound as bytes: a text would end at its first NUL, and pass for a shorter one.
    init(_ delivery: Delivery, at now: Date) {
        deduplicationKey = delivery.deduplicationKey.map { Data($0) }
        values = [
            Data(delivery.name.utf8),
            delivery.payload["packageId"]?.string.map { Data($0.utf8) },
            Data(delivery.body),
            delivery.origin.rawValue,
            now.milliseconds,
            deduplicationKey,
            Data(SHA256.hash(data: delivery.body)),
        ]
    }

    func insert(in db: Database) throws -> Receipt {
        let inserted = try db.change(
            """
            INSERT INTO events (name, package_id, body, origin, received_at, deduplication_key, body_hash)
            VALUES (CAST(? AS TEXT), CAST(? AS TEXT), ?, ?, ?, ?, ?) ON CONFLICT (deduplication_key) DO NOTHING
            """,
            values
        )
        if inserted > 0 { return .stored(Event.ID(rawValue: db.lastInsertedRowID)) }
        let id = try db.first(
            "UPDATE events SET duplicates = duplicates + 1 WHERE deduplication_key = ? RETURNING id",
            [deduplicationKey]
        ) { $0[0] as Int64 }
        guard let id else { throw DatabaseError(resultCode: .SQLITE_INTERNAL, message: "a duplicate has no original") }
        return .duplicate(of: Event.ID(rawValue: id))
    }
}

/// An attempt ready to be inserted.
struct NewStep: Sendable {
    private let values: StatementArguments

    init(_ record: StepRecord) {
        values = [
            record.stepID,
            record.attempt,
            record.round,
            record.status.rawValue,
            record.isFinal,
            record.plan?.text,
            record.output?.text,
            record.reason,
            record.startedAt.milliseconds,
            record.finishedAt.milliseconds,
        ]
    }

    func insert(for run: Run.ID, in db: Database) throws {
        try db.change(
            """
            INSERT INTO steps
                (step_id, attempt, round, status, is_final, plan, output, reason, started_at, finished_at, run_id)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            values + [run.rawValue]
        )
    }
}
