import CountersignModel
import Crypto
import Foundation
import GRDB

/// An event ready to be inserted: all that can be made ready before the writer's turn.
struct NewEvent: Sendable {
    private let values: StatementArguments
    private let deduplicationKey: Data?
    private let origin: Event.Origin
    private let name: Data
    private let packageID: Data?
    private let stateKey: Data?

    /// A poll before this time cannot have found the state that the delivery tells of.
    private let earliestPoll: Int64

    /// What strangers wrote is bound as bytes: a text would end at its first NUL, and pass for a shorter one.
    init(_ delivery: Delivery, at now: Date) {
        deduplicationKey = delivery.deduplicationKey.map { Data($0) }
        origin = delivery.origin
        stateKey = delivery.stateKey.map { Data($0) }
        let name = Data(delivery.name.utf8)
        let packageID = delivery.payload["packageId"]?.string.map { Data($0.utf8) }
        (self.name, self.packageID) = (name, packageID)
        earliestPoll =
            stateKey == nil
            ? .min : delivery.createdAt.map { $0.addingTimeInterval(-Delivery.pollTolerance).milliseconds } ?? .min
        values = [
            name,
            packageID,
            Data(delivery.body),
            delivery.origin.rawValue,
            now.milliseconds,
            deduplicationKey,
            Data(SHA256.hash(data: delivery.body)),
        ]
    }

    /// Stores the event; `knowsPolls` says that events of polls may be there, which are looked for only then.
    func insert(in db: Database, knowsPolls: Bool) throws -> Receipt {
        if origin == .poll {
            if let id = try known(in: db) { return .duplicate(of: id) }
        } else if knowsPolls, stateKey != nil, let id = try takenPlace(in: db) {
            return .duplicate(of: id)
        }
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

extension NewEvent {
    /// The event of this name that the package has already.
    private func known(in db: Database) throws -> Event.ID? {
        try db.first(
            "SELECT id FROM events WHERE package_id = CAST(? AS TEXT) AND +name = CAST(? AS TEXT) LIMIT 1",
            [packageID, name]
        ) { Event.ID(rawValue: $0[0]) }
    }

    /// The event of a poll that this delivery takes the place of: from now on it is known by the delivery's own key.
    private func takenPlace(in db: Database) throws -> Event.ID? {
        try db.first(
            """
            UPDATE OR IGNORE events SET deduplication_key = ?, duplicates = duplicates + 1
            WHERE deduplication_key = ? AND received_at >= ? RETURNING id
            """,
            [deduplicationKey, stateKey, earliestPoll]
        ) { Event.ID(rawValue: $0[0]) }
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
