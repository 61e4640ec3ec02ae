import CountersignCore
import CountersignStore
import Crypto
import Foundation
import GRDB

/// An event as its row holds it; its body is parsed where nobody waits for a connection.
struct EventRow: Sendable {
    /// The name as bytes: a text would end at its first NUL.
    static let columns =
        "id, CAST(name AS BLOB), body, origin, received_at, duplicates, dispatched_at, rule_set, match_set, body_hash, "
        + "package, account"

    /// The same where the package is not looked at.
    static let columnsWithoutPackage = columns.replacing(", package,", with: ", NULL,")

    /// The places in `columns` of what a search reads before it decodes a row, and the one behind them all.
    static let bodyColumn = 2
    static let receivedAtColumn = 4
    static let columnCount = 12

    let id: Int64
    private let name: String
    let body: [UInt8]
    private let origin: String
    private let receivedAt: Date
    private let duplicates: Int
    private let dispatchedAt: Date?
    private let ruleSet: String?
    private let matchSet: [UInt8]?

    /// The SHA-256 of the body as it was stored; nil for one that was stored before hashes were.
    private let bodyHash: [UInt8]?

    private let package: [UInt8]?
    private let account: String

    /// Which column is not as the schema says; nil while all are.
    let fault: String?

    init(_ row: Row) {
        var reader = RowReader(row)
        id = reader.integer(0, "number")
        name = String(decoding: reader.bytes(1, "name"), as: UTF8.self)
        body = reader.bytes(2, "body")
        origin = reader.text(3, "origin")
        receivedAt = reader.time(4, "time of receipt")
        duplicates = reader.count(5, "count of duplicates")
        dispatchedAt = reader.optionalTime(6, "time of dispatch")
        ruleSet = reader.optionalText(7, "rule set")
        matchSet = reader.optionalBytes(8, "list of matches")
        bodyHash = reader.optionalBytes(9, "hash")
        package = reader.optionalBytes(10, "package")
        account = reader.text(11, "account")
        if Event.Origin(rawValue: origin) == nil { reader.fail("its origin is unknown") }
        fault = reader.fault
    }

    /// The event; `path` names the store in the error when the row is damaged.
    func event(path: String) throws -> Event {
        if let fault { throw damage(path, fault) }
        guard let origin = Event.Origin(rawValue: origin) else { throw damage(path, "its origin is unknown") }
        if let bodyHash, !bodyHash.elementsEqual(SHA256.hash(data: body)) {
            throw damage(path, "its body is not the one that was stored (the SHA-256 differs)")
        }
        do {
            // What the inbox let in was checked against limits then; they may have been stricter or laxer than today's.
            let payload = try JSON(parsing: body, limits: JSON.Limits(depth: 512, keys: .max))
            return Event(
                id: .init(rawValue: id),
                name: name,
                payload: payload,
                origin: origin,
                receivedAt: receivedAt,
                package: try package.map { try JSON(parsing: $0, limits: .package) },
                body: Array(body),
                account: account
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
            dispatchedAt: dispatchedAt,
            ruleSet: ruleSet.map { RuleSetVersion(rawValue: $0) },
            matchSet: matchSet.map { MatchSet(bytes: $0) }
        )
    }

    /// The event for a list, in which a damaged one is reported and hides no other.
    func listedEvent(path: String) -> StoredEvent {
        do {
            return try storedEvent(path: path)
        } catch {
            let event = Event(
                id: .init(rawValue: id),
                name: name,
                payload: [:],
                origin: Event.Origin(rawValue: origin) ?? .callback,
                receivedAt: receivedAt,
                account: account
            )
            return StoredEvent(
                event: event,
                body: body,
                duplicates: duplicates,
                dispatchedAt: dispatchedAt,
                ruleSet: ruleSet.map { RuleSetVersion(rawValue: $0) },
                matchSet: nil,
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
    static let columnCount = 11

    static let columns =
        "id, step_id, attempt, generation, status, is_final, plan, output, reason, started_at, finished_at"

    let id: Int64
    private let stepID: String?
    private let attempt: Int
    private let generation: Int
    private let status: String
    private let isFinal: Bool
    private let plan: String?
    private let output: String?
    private let reason: String?
    private let startedAt: Date
    private let finishedAt: Date

    /// Which column is not as the schema says; nil while all are.
    let fault: String?

    init(_ row: Row) {
        var reader = RowReader(row)
        id = reader.integer(0, "number")
        stepID = reader.optionalText(1, "step")
        attempt = reader.count(2, "attempt")
        generation = reader.count(3, "generation")
        status = reader.text(4, "status")
        isFinal = reader.flag(5, "last word")
        plan = reader.optionalText(6, "plan")
        output = reader.optionalText(7, "output")
        reason = reader.optionalText(8, "reason")
        startedAt = reader.time(9, "time of beginning")
        finishedAt = reader.time(10, "time of end")
        if StepRecord.Status(rawValue: status) == nil { reader.fail("its status is unknown") }
        fault = reader.fault
    }

    func record(path: String) throws -> StepRecord {
        guard fault == nil, let status = StepRecord.Status(rawValue: status) else {
            throw damage(path, fault ?? "its status is unknown")
        }
        return StepRecord(
            stepID: stepID,
            attempt: attempt,
            generation: generation,
            status: status,
            isFinal: isFinal,
            plan: try json(plan, path: path),
            output: try json(output, path: path),
            reason: reason,
            startedAt: startedAt,
            finishedAt: finishedAt
        )
    }

    /// The attempt for a list, in which a damaged one is reported and hides no other.
    func listedRecord(path: String) -> StepRecord {
        do {
            return try record(path: path)
        } catch {
            return StepRecord(
                stepID: stepID,
                attempt: attempt,
                generation: generation,
                status: StepRecord.Status(rawValue: status) ?? .interrupted,
                isFinal: isFinal,
                plan: nil,
                output: nil,
                reason: "\(error)",
                startedAt: startedAt,
                finishedAt: finishedAt
            )
        }
    }

    private func damage(_ path: String, _ reason: String) -> StoreError {
        .unreadable(path: path, "step record \(id) is damaged: \(reason)")
    }

    private func json(_ text: String?, path: String) throws -> JSON? {
        do {
            return try text.map { try JSON(parsing: $0, limits: JSON.Limits(depth: 512, keys: .max)) }
        } catch {
            throw damage(path, "\(error)")
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
        let run = try db.first("SELECT \(Run.columns) FROM runs WHERE id = ?", [id.rawValue]) { Run($0) }
        guard let run else { return nil }
        let event = try db.first("SELECT \(EventRow.columns) FROM events WHERE id = ?", [run.eventID.rawValue]) {
            EventRow($0)
        }
        guard let event else { return nil }
        self.run = run
        self.event = event
        records = try db.all("SELECT \(StepRow.columns) FROM steps WHERE run_id = ? ORDER BY id", [id.rawValue]) {
            StepRow($0)
        }
    }

    /// The run to be worked on.
    ///
    /// - Throws: `StoreError` when something of it is damaged.
    func claimedRun(path: String) throws -> ClaimedRun {
        if let damage = run.damage { throw StoreError.unreadable(path: path, damage) }
        return ClaimedRun(
            run: run,
            event: try event.event(path: path),
            records: try records.map { try $0.record(path: path) }
        )
    }

    /// The run for a look at it, with what is damaged told in its place.
    func listedRun(path: String) -> ClaimedRun {
        let event = event.listedEvent(path: path)
        return ClaimedRun(
            run: run,
            event: event.event,
            records: records.map { $0.listedRecord(path: path) },
            damage: run.damage ?? event.damage
        )
    }
}

extension Run {
    static let columns = """
        id, event_id, rule_id, rule_set, state, due_at, retries, created_at, finished_at, resume_step, resume_generation,
            waiting_for, wait_reason, home, part, facts, queue, slot, queue_limit, queue_holds, happened_at, queue_since,
            superseded_by
        """

    init(_ row: Row) {
        var reader = RowReader(row)
        let id = ID(rawValue: reader.integer(0, "number"))
        let state = State(rawValue: reader.text(4, "state"))
        if state == nil { reader.fail("its state is unknown") }
        let resumeStep = reader.optionalText(9, "step to go on from")
        let resumeGeneration = reader.optionalCount(10, "generation to go on from")
        let waitsFor = reader.optionalText(11, "destination")
        let waitsBecause = reader.optionalText(12, "reason to wait")
        let home = reader.optionalText(13, "instance")
        let eventID = Event.ID(rawValue: reader.integer(1, "event"))
        let ruleID = reader.text(2, "rule")
        let ruleSet = RuleSetVersion(rawValue: reader.text(3, "rule set"))
        let (dueAt, createdAt) = (reader.time(5, "due time"), reader.time(7, "time of making"))
        let (retries, finishedAt) = (reader.count(6, "count of retries"), reader.optionalTime(8, "time of end"))
        let (part, facts) = (reader.text(14, "part"), reader.optionalJSON(15, "facts"))
        let place = QueuePlace(&reader, from: 16)
        let supersededBy = reader.optionalInteger(22, "number of the run that took its place")
        self.init(
            id: id,
            eventID: eventID,
            ruleID: ruleID,
            part: part,
            facts: facts,
            place: place,
            supersededBy: supersededBy.map { ID(rawValue: $0) },
            ruleSet: ruleSet,
            state: state ?? .failed,
            dueAt: dueAt,
            retries: retries,
            resumePoint: resumeGeneration.map { ResumePoint(stepID: resumeStep, generation: $0) },
            wait: waitsFor.map { RunWait(destination: $0, reason: waitsBecause ?? "") },
            createdAt: createdAt,
            finishedAt: finishedAt,
            home: home,
            damage: reader.fault.map { "run \(id) is damaged: \($0)" }
        )
    }
}

extension QueuePlace {
    /// The place in the columns from `queue` to `queue_since`; nil for a run that waits for no other.
    fileprivate init?(_ reader: inout RowReader, from column: Int) {
        guard let queue = reader.optionalText(column, "queue") else { return nil }
        let slot = reader.optionalCount(column + 1, "slot")
        let (limit, holds) = (reader.count(column + 2, "limit"), reader.flag(column + 3, "word on failures"))
        let happenedAt = reader.time(column + 4, "own time")
        let since = reader.optionalTime(column + 5, "time of the first claim")
        self.init(
            queue: queue,
            happenedAt: happenedAt,
            limit: limit,
            holdsOnFailure: holds,
            slot: slot,
            since: since
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
