import CountersignModel
import Crypto
import Foundation
import GRDB

/// An event as its row holds it; its body is parsed where nobody waits for a connection.
struct EventRow: Sendable {
    /// The name as bytes: a text would end at its first NUL.
    static let columns =
        "id, CAST(name AS BLOB), body, origin, received_at, duplicates, dispatched_at, rule_set, verdicts, body_hash, "
        + "package"

    /// The places in `columns` of what a search reads before it decodes a row, and the one behind them all.
    static let receivedAtColumn = 4
    static let columnCount = 11

    let id: Int64
    private let name: String
    let body: [UInt8]
    private let origin: String
    private let receivedAt: Int64
    private let duplicates: Int
    private let dispatchedAt: Int64?
    private let ruleSet: String?
    private let verdicts: [UInt8]?

    /// The SHA-256 of the body as it was stored; nil for one that was stored before hashes were.
    private let bodyHash: [UInt8]?

    private let package: [UInt8]?

    init(_ row: Row) throws {
        id = row[0]
        name = String(decoding: try row.bytes(at: 1), as: UTF8.self)
        body = try row.bytes(at: 2)
        origin = row[3]
        receivedAt = row[4]
        duplicates = row[5]
        dispatchedAt = row[6]
        ruleSet = row[7]
        verdicts = row.hasNull(atIndex: 8) ? nil : try row.bytes(at: 8)
        bodyHash = row.hasNull(atIndex: 9) ? nil : try row.bytes(at: 9)
        package = row.hasNull(atIndex: 10) ? nil : try row.bytes(at: 10)
    }

    /// The event; `path` names the store in the error when the row is damaged.
    func event(path: String) throws -> Event {
        guard let origin = Event.Origin(rawValue: origin) else { throw damage(path, "its origin is unknown") }
        if let bodyHash, !bodyHash.elementsEqual(SHA256.hash(data: body)) {
            throw damage(path, "its body is not the one that was stored (the SHA-256 differs)")
        }
        do {
            // What the inbox let in was checked against limits then; they may have been stricter or laxer than today's.
            let payload = try JSON(parsing: body, limits: JSON.Limits(depth: 512, keys: .max))
            let receivedAt = Date(milliseconds: receivedAt)
            return Event(
                id: .init(rawValue: id),
                name: name,
                payload: payload,
                origin: origin,
                receivedAt: receivedAt,
                package: try package.map { try JSON(parsing: $0, limits: .package) }
            )
        } catch {
            throw damage(path, "\(error)")
        }
    }

    func storedEvent(path: String) throws -> StoredEvent {
        StoredEvent(
            event: try event(path: path),
            body: body,
            duplicates: duplicates,
            dispatchedAt: dispatchedAt.map { Date(milliseconds: $0) },
            ruleSet: ruleSet.map { RuleSetVersion(rawValue: $0) },
            verdicts: verdicts.map { Verdicts(bytes: $0) }
        )
    }

    /// The event for a list, in which a damaged one is told and hides no other.
    func listedEvent(path: String) -> StoredEvent {
        do {
            return try storedEvent(path: path)
        } catch {
            let event = Event(
                id: .init(rawValue: id),
                name: name,
                payload: [:],
                origin: Event.Origin(rawValue: origin) ?? .callback,
                receivedAt: Date(milliseconds: receivedAt)
            )
            return StoredEvent(
                event: event,
                body: body,
                duplicates: duplicates,
                dispatchedAt: dispatchedAt.map { Date(milliseconds: $0) },
                ruleSet: ruleSet.map { RuleSetVersion(rawValue: $0) },
                verdicts: nil,
                damage: "\(error)"
            )
        }
    }

    private func damage(_ path: String, _ reason: String) -> StoreError {
        .unreadable(path: path, "event \(id) is damaged: \(reason)")
    }
}

extension JSON.Limits {
    /// A package was read whole when it was fetched.
    static let package = JSON.Limits(depth: 512, keys: .max)
}

/// An attempt as its row holds it.
struct StepRow: Sendable {
    static let columns =
        "id, step_id, attempt, round, status, is_final, plan, output, reason, started_at, finished_at"

    private let id: Int64
    private let stepID: String
    private let attempt: Int
    private let round: Int
    private let status: String
    private let isFinal: Bool
    private let plan: String?
    private let output: String?
    private let reason: String?
    private let startedAt: Int64
    private let finishedAt: Int64

    init(_ row: Row) {
        id = row[0]
        stepID = row[1]
        attempt = row[2]
        round = row[3]
        status = row[4]
        isFinal = row[5]
        plan = row[6]
        output = row[7]
        reason = row[8]
        startedAt = row[9]
        finishedAt = row[10]
    }

    func record(path: String) throws -> StepRecord {
        guard let status = StepRecord.Status(rawValue: status) else {
            throw StoreError.unreadable(path: path, "step record \(id) is damaged: its status is unknown")
        }
        return StepRecord(
            stepID: stepID,
            attempt: attempt,
            round: round,
            status: status,
            isFinal: isFinal,
            plan: try json(plan, path: path),
            output: try json(output, path: path),
            reason: reason,
            startedAt: Date(milliseconds: startedAt),
            finishedAt: Date(milliseconds: finishedAt)
        )
    }

    private func json(_ text: String?, path: String) throws -> JSON? {
        do {
            return try text.map { try JSON(parsing: $0, limits: JSON.Limits(depth: 512, keys: .max)) }
        } catch {
            throw StoreError.unreadable(path: path, "step record \(id) is damaged: \(error)")
        }
    }
}

/// A run with its event and attempts, as their rows hold them.
struct ClaimedRow: Sendable {
    let run: Run
    let event: EventRow
    let records: [StepRow]

    /// - Returns: nil when there is no such run.
    init?(_ id: Run.ID, in db: Database) throws {
        let run = try db.first("SELECT \(Run.columns) FROM runs WHERE id = ?", [id.rawValue]) { try Run($0) }
        guard let run else { return nil }
        let event = try db.first("SELECT \(EventRow.columns) FROM events WHERE id = ?", [run.eventID.rawValue]) {
            try EventRow($0)
        }
        guard let event else { return nil }
        self.run = run
        self.event = event
        records = try db.all("SELECT \(StepRow.columns) FROM steps WHERE run_id = ? ORDER BY id", [id.rawValue]) {
            StepRow($0)
        }
    }

    func claimedRun(path: String) throws -> ClaimedRun {
        ClaimedRun(
            run: run,
            event: try event.event(path: path),
            records: try records.map { try $0.record(path: path) }
        )
    }
}

extension Run {
    static let columns = """
        id, event_id, rule_id, rule_set, state, due_at, retries, created_at, finished_at, redo_step, redo_round,
            waits_for, waits_because
        """

    init(_ row: Row) throws {
        guard let state = State(rawValue: row[4]) else {
            throw DatabaseError(resultCode: .SQLITE_CORRUPT, message: "a run's state is unknown")
        }
        let finishedAt: Int64? = row[8]
        let redoStep: String? = row[9]
        let redoRound: Int? = row[10]
        let waitsFor: String? = row[11]
        self.init(
            id: ID(rawValue: row[0]),
            eventID: Event.ID(rawValue: row[1]),
            ruleID: row[2],
            ruleSet: RuleSetVersion(rawValue: row[3]),
            state: state,
            dueAt: Date(milliseconds: row[5]),
            retries: row[6],
            redo: redoStep.flatMap { step in redoRound.map { Redo(stepID: step, round: $0) } },
            wait: waitsFor.map { RunWait(destination: $0, reason: row[12] ?? "") },
            createdAt: Date(milliseconds: row[7]),
            finishedAt: finishedAt.map { Date(milliseconds: $0) }
        )
    }
}

extension Row {
    func bytes(at index: Int) throws -> [UInt8] {
        try withUnsafeData(atIndex: index) { $0.map { Array($0) } ?? [] }
    }
}

extension Database {
    /// Executes a statement that is prepared once, and returns how many rows it changed.
    @discardableResult
    func change(_ sql: String, _ arguments: StatementArguments) throws -> Int {
        try cachedStatement(sql: sql).execute(arguments: arguments)
        return changesCount
    }

    /// Every row of a query that is prepared once.
    func all<Value>(
        _ sql: String,
        _ arguments: StatementArguments,
        _ decode: (Row) throws -> Value
    ) throws -> [Value] {
        let rows = try Row.fetchCursor(cachedStatement(sql: sql), arguments: arguments)
        var values: [Value] = []
        while let row = try rows.next() { values.append(try decode(row)) }
        return values
    }

    /// The first row of a query that is prepared once.
    func first<Value>(
        _ sql: String,
        _ arguments: StatementArguments,
        _ decode: (Row) throws -> Value
    ) throws -> Value? {
        let rows = try Row.fetchCursor(cachedStatement(sql: sql), arguments: arguments)
        // The row lives in the statement, which the cursor resets when it goes.
        return try withExtendedLifetime(rows) { try rows.next().map(decode) }
    }
}
