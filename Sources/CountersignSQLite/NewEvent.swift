import CountersignCore
import CountersignStore
import Crypto
import Foundation
import GRDB

/// An event ready to be inserted: all that can be made ready before the writer's turn.
struct NewEvent: Sendable {
    private let origin: Event.Origin
    private let receivedAt: Int64

    /// Everything that is stored as bytes, one behind the other, so that SQLite can read it where it lies.
    ///
    /// What unknownVariables wrote is bound as bytes: a text would end at its first NUL, and pass for a shorter one.
    private let bytes: [UInt8]
    private let name: Range<Int>
    private let account: Range<Int>
    private let packageID: Range<Int>?
    private let body: Range<Int>
    private let bodyHash: Range<Int>
    private let key: Range<Int>
    private let stateKey: Range<Int>?
    private let token: Range<Int>
    private let place: Int64

    /// A poll before this time cannot have found the state that the delivery tells of.
    private let earliestPoll: Int64

    init(_ delivery: Delivery, at now: Date) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(delivery.body.count + 256)
        func add(_ part: some Sequence<UInt8>) -> Range<Int> {
            let start = bytes.count
            bytes.append(contentsOf: part)
            return start..<bytes.count
        }
        origin = delivery.origin
        receivedAt = now.milliseconds
        name = add(delivery.name.utf8)
        account = add(delivery.account.utf8)
        packageID = delivery.packageKey.map { add($0.utf8) }
        body = add(delivery.body)
        bodyHash = add(SHA256.hash(data: delivery.body))
        let recognitionKey = delivery.recognitionKey
        key = add(recognitionKey)
        stateKey = delivery.stateKey.map { add($0) }
        token = add(delivery.token.bytes)
        place = DeduplicationSlot.of(recognitionKey, origin: delivery.origin, payload: delivery.payload)
        earliestPoll =
            delivery.stateKey == nil
            ? .min : delivery.createdAt.map { $0.addingTimeInterval(-Delivery.pollTolerance).milliseconds } ?? .min
        self.bytes = bytes
    }

    /// Stores the event; `knowsPolls` says that events of polls may be there, which are looked for only then.
    func insert(in db: Database, knowsPolls: Bool) throws -> Receipt {
        if origin == .poll {
            if let id = try known(in: db) { return .duplicate(of: id) }
        } else if knowsPolls, stateKey != nil {
            if let id = try keptByPackage(in: db) ?? takenPlace(in: db) { return .duplicate(of: id) }
        }
        return try bytes.withUnsafeBytes { bytes in
            if let id = try kept(bytes, in: db) { return .duplicate(of: id) }
            try insert(bytes, in: db)
            return .stored(Event.ID(rawValue: db.lastInsertedRowID))
        }
    }
}

extension NewEvent {
    /// Counts a delivery of the event that has this key already.
    private func kept(_ bytes: UnsafeRawBufferPointer, in db: Database) throws -> Event.ID? {
        let statement = try PreparedStatement(
            "SELECT id FROM events WHERE deduplication_slot = ? AND deduplication_key = ?",
            in: db
        )
        defer { statement.reset() }
        statement.bind(place, at: 1)
        statement.bind(UnsafeRawBufferPointer(rebasing: bytes[key]), at: 2)
        guard try statement.step() else { return nil }
        let id = statement.number(at: 0)
        try count(id, in: db)
        return Event.ID(rawValue: id)
    }

    private func insert(_ bytes: UnsafeRawBufferPointer, in db: Database) throws {
        let statement = try PreparedStatement(
            """
            INSERT INTO events
                (name, package_id, body, origin, received_at, deduplication_key, deduplication_slot, body_hash, token, account)
            VALUES (CAST(? AS TEXT), CAST(? AS TEXT), ?, CAST(? AS TEXT), ?, ?, ?, ?, ?, CAST(? AS TEXT))
            """,
            in: db
        )
        defer { statement.reset() }
        func part(_ range: Range<Int>) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: bytes[range]) }
        statement.bind(part(name), at: 1)
        statement.bind(packageID.map { part($0) }, at: 2)
        statement.bind(part(body), at: 3)
        statement.bind(receivedAt, at: 5)
        statement.bind(part(key), at: 6)
        statement.bind(place, at: 7)
        statement.bind(part(bodyHash), at: 8)
        statement.bind(part(token), at: 9)
        statement.bind(part(account), at: 10)
        var origin = origin.rawValue
        _ = try origin.withUTF8 { origin in
            statement.bind(UnsafeRawBufferPointer(origin), at: 4)
            return try statement.step()
        }
    }

    /// Counts a delivery of an event that is there, unless it is the very one that is.
    private func count(_ id: Int64, in db: Database) throws {
        try db.change(
            "UPDATE events SET duplicates = duplicates + 1 WHERE id = ? AND token IS NOT ?",
            [id, data(token)]
        )
    }

    private func data(_ range: Range<Int>?) -> Data? { range.map { Data(bytes[$0]) } }

    /// The event of this name that the package has already.
    private func known(in db: Database) throws -> Event.ID? {
        try db.first(
            "SELECT id FROM events WHERE package_id = CAST(? AS TEXT) AND +name = CAST(? AS TEXT) LIMIT 1",
            [data(packageID), data(name)]
        ) { Event.ID(rawValue: $0[0]) }
    }

    /// The event of this key among those of the package: the key of one that took a poll's place says nothing of where the
    /// poll was put.
    private func keptByPackage(in db: Database) throws -> Event.ID? {
        let id = try db.first(
            "SELECT id FROM events WHERE package_id = CAST(? AS TEXT) AND deduplication_key = ?",
            [data(packageID), data(key)]
        ) { $0[0] as Int64 }
        guard let id else { return nil }
        try count(id, in: db)
        return Event.ID(rawValue: id)
    }

    /// The event of a poll that this delivery takes the place of: from now on it is known by the delivery's own key.
    private func takenPlace(in db: Database) throws -> Event.ID? {
        try db.first(
            """
            UPDATE events SET deduplication_key = ?, deduplication_slot = ?, token = ?, duplicates = duplicates + 1
            WHERE package_id = CAST(? AS TEXT) AND deduplication_key = ? AND received_at >= ? RETURNING id
            """,
            [data(key), place, data(token), data(packageID), data(stateKey), earliestPoll]
        ) { Event.ID(rawValue: $0[0]) }
    }
}

/// An attempt ready to be inserted.
struct NewStep: Sendable {
    /// The instance with whose machine the run stays from then on.
    let home: String?
    private let values: StatementArguments

    init(_ record: StepRecord) {
        home = record.home
        values = [
            record.stepID,
            record.attempt,
            record.generation,
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
                (step_id, attempt, generation, status, is_final, plan, output, reason, started_at, finished_at, run_id)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            values + [run.rawValue]
        )
    }
}
