import CountersignCore
import CountersignStore
import Crypto
import Foundation

extension JSON.Limits {
    /// What was let in was checked then, against limits that may have been others.
    static let stored = JSON.Limits(depth: 512, keys: .max)
}

/// An event as its row holds it; its body is parsed where nobody waits for a connection.
struct EventRow: Sendable {
    /// How many columns `columns` names.
    static let columnCount = 12

    static let columns = """
        e.id, e.name, e.body, e.origin, e.received_at,
        coalesce((select d.duplicates from @.event_keys d where d.event_id = e.id), 0),
        v.evaluated_at, v.rule_set, v.match_set, e.body_hash, p.package, e.account
        """

    /// What `columns` are taken from, beside `events` as `e`.
    ///
    /// Row by row: a join of whole tables, planned while they were empty, would read all of them later.
    static let joins = """
        left join lateral (select * from @.evaluations where event_id = e.id offset 0) v on true
        left join lateral (select package from @.packages where event_id = e.id offset 0) p on true
        """

    /// The same columns, of `events` as `e` alone, for events that were not evaluated.
    static let waitingColumns = """
        e.id, e.name, e.body, e.origin, e.received_at, 0::int8, null::timestamptz, null::text, null::bytea, e.body_hash,
        (select p.package from @.packages p where p.event_id = e.id), e.account
        """

    let id: Int64
    let receivedAt: Date
    let body: [UInt8]
    private let nameBytes: [UInt8]
    let origin: Int64
    private let duplicates: Int
    private let evaluatedAt: Date?
    private let ruleSet: String?
    private let matchSet: [UInt8]?
    private let bodyHash: [UInt8]
    private let package: [UInt8]?
    private let account: String

    /// Reads `columns`, of which `start` is the first.
    init(_ row: Row, from start: Int = 0) {
        id = row.integer(start)
        nameBytes = row.bytes(start + 1)
        body = row.bytes(start + 2)
        origin = row.integer(start + 3)
        receivedAt = row.time(start + 4)
        duplicates = row.count(start + 5)
        evaluatedAt = row.optionalTime(start + 6)
        ruleSet = row.optionalVerbatim(start + 7)
        matchSet = row.optionalBytes(start + 8)
        bodyHash = row.bytes(start + 9)
        package = row.optionalBytes(start + 10)
        account = row.text(start + 11)
    }

    /// A select of events out of a select of their rows, which limits them.
    static func select(_ rows: String, order: String) -> String {
        "select \(columns) from (\(rows)) e \(joins) order by \(order)"
    }

    /// The event; `name` names the store in the error when the row is damaged.
    func event(in name: String) throws -> Event {
        guard let origin = Event.Origin(code: origin) else { throw damage(name, "its origin is unknown") }
        guard bodyHash.elementsEqual(SHA256.hash(data: body)) else {
            throw damage(name, "its body is not the one that was stored (the SHA-256 differs)")
        }
        do {
            let payload = try JSON(parsing: body, limits: .stored)
            return Event(
                id: .init(rawValue: id),
                name: self.name(in: payload),
                payload: payload,
                origin: origin,
                receivedAt: receivedAt,
                package: try package.map { try JSON(parsing: $0, limits: .stored) },
                body: Array(body),
                account: account
            )
        } catch {
            throw damage(name, "\(error)")
        }
    }

    /// The name; a long one is whole in the body only.
    private func name(in payload: JSON) -> String {
        guard StoredText.isCut(nameBytes), let whole = payload["name"]?.string else {
            return StoredText.unescaped(nameBytes)
        }
        return whole
    }

    /// The event for a list, in which a damaged one is reported and hides no other.
    func listedEvent(in name: String) -> StoredEvent {
        do {
            return stored(try event(in: name), damage: nil)
        } catch {
            let event = Event(
                id: .init(rawValue: id),
                name: StoredText.unescaped(nameBytes),
                payload: [:],
                origin: Event.Origin(code: origin) ?? .callback,
                receivedAt: receivedAt,
                account: account
            )
            return stored(event, damage: "\(error)")
        }
    }

    private func stored(_ event: Event, damage: String?) -> StoredEvent {
        StoredEvent(
            event: event,
            body: body,
            duplicates: duplicates,
            dispatchedAt: evaluatedAt,
            ruleSet: ruleSet.map { RuleSetVersion(rawValue: $0) },
            matchSet: damage == nil ? matchSet.map { MatchSet(bytes: $0) } : nil,
            damage: damage
        )
    }

    private func damage(_ name: String, _ reason: String) -> StoreError {
        .unreadable(path: name, "event \(id) is damaged: \(reason)")
    }
}

/// An attempt as its row holds it.
struct StepRow: Sendable {
    static let columnCount = 11

    static let columns =
        "s.id, s.step_id, s.attempt, s.generation, s.status, s.is_final, s.plan, s.output, s.reason, s.started_at, "
        + "s.finished_at"

    private let id: Int64
    private let stepID: String?
    private let attempt: Int
    private let generation: Int
    private let status: Int64
    private let isFinal: Bool
    private let plan: String?
    private let output: String?
    private let reason: String?
    private let startedAt: Date
    private let finishedAt: Date

    init(_ row: Row) {
        id = row.integer(0)
        stepID = row.optionalText(1)
        attempt = row.count(2)
        generation = row.count(3)
        status = row.integer(4)
        isFinal = row.flag(5)
        plan = row.optionalVerbatim(6)
        output = row.optionalVerbatim(7)
        reason = row.optionalText(8)
        startedAt = row.time(9)
        finishedAt = row.time(10)
    }

    func record(in name: String) throws -> StepRecord {
        guard let status = StepRecord.Status(code: status) else { throw damage(name, "its status is unknown") }
        return StepRecord(
            stepID: stepID,
            attempt: attempt,
            generation: generation,
            status: status,
            isFinal: isFinal,
            plan: try json(plan, name),
            output: try json(output, name),
            reason: reason,
            startedAt: startedAt,
            finishedAt: finishedAt
        )
    }

    /// The attempt for a list, in which a damaged one is reported and hides no other.
    func listedRecord(in name: String) -> StepRecord {
        do {
            return try record(in: name)
        } catch {
            return StepRecord(
                stepID: stepID,
                attempt: attempt,
                generation: generation,
                status: StepRecord.Status(code: status) ?? .interrupted,
                isFinal: isFinal,
                plan: nil,
                output: nil,
                reason: "\(error)",
                startedAt: startedAt,
                finishedAt: finishedAt
            )
        }
    }

    private func damage(_ name: String, _ reason: String) -> StoreError {
        .unreadable(path: name, "step record \(id) is damaged: \(reason)")
    }

    private func json(_ text: String?, _ name: String) throws -> JSON? {
        do {
            return try text.map { try JSON(parsing: $0, limits: .stored) }
        } catch {
            throw damage(name, "\(error)")
        }
    }
}

extension Run {
    /// How many columns `columns` names.
    static let columnCount = 23

    static let columns =
        "r.id, r.event_id, r.rule_id, r.rule_set, r.state, r.due_at, r.retries, r.created_at, r.finished_at, "
        + "r.resume_step, r.resume_generation, r.waiting_for, r.wait_reason, r.home, r.part, r.facts, "
        + "coalesce(r.whole_queue, r.queue), r.happened_at, r.queue_limit, r.queue_holds, r.slot, r.queue_since, "
        + "r.superseded_by"

    init(_ row: Row) {
        let state = State(code: row.integer(4))
        let id = ID(rawValue: row.integer(0))
        let facts = row.optionalVerbatim(15)
        let parsed = facts.flatMap { try? JSON(parsing: $0, limits: .stored) }
        let damage =
            state == nil ? "its state is unknown" : facts != nil && parsed == nil ? "its facts are no JSON" : nil
        self.init(
            id: id,
            eventID: Event.ID(rawValue: row.integer(1)),
            ruleID: row.text(2),
            part: row.text(14),
            facts: parsed,
            place: QueuePlace(row, from: 16),
            supersededBy: row.optionalInteger(22).map { ID(rawValue: $0) },
            ruleSet: RuleSetVersion(rawValue: row.verbatim(3)),
            state: state ?? .failed,
            dueAt: row.time(5),
            retries: row.count(6),
            resumePoint: row.optionalCount(10).map { ResumePoint(stepID: row.optionalText(9), generation: $0) },
            wait: row.optionalText(11).map { RunWait(destination: $0, reason: row.optionalText(12) ?? "") },
            createdAt: row.time(7),
            finishedAt: row.optionalTime(8),
            home: row.optionalText(13),
            damage: damage.map { "run \(id) is damaged: \($0)" }
        )
    }
}

extension QueuePlace {
    /// The place of a run; nil where it waits for no other.
    fileprivate init?(_ row: Row, from start: Int) {
        guard let queue = row.optionalText(start) else { return nil }
        self.init(
            queue: queue,
            happenedAt: row.time(start + 1),
            limit: row.count(start + 2),
            holdsOnFailure: row.flag(start + 3),
            slot: row.optionalCount(start + 4),
            since: row.optionalTime(start + 5)
        )
    }
}

/// A run with its event and attempts, as their rows hold them.
struct ClaimedRow: Sendable {
    let run: Run

    /// nil where it is missing.
    let event: EventRow?

    let records: [StepRow]

    /// The run to be worked on.
    ///
    /// - Throws: `StoreError` when something of it is damaged.
    func claimedRun(in name: String) throws -> ClaimedRun {
        if let damage = run.damage { throw StoreError.unreadable(path: name, damage) }
        guard let event else { throw StoreError.unreadable(path: name, "event \(run.eventID) is missing") }
        return ClaimedRun(
            run: run,
            event: try event.event(in: name),
            records: try records.map { try $0.record(in: name) }
        )
    }

    /// The run for a look at it, with what is damaged told in its place; nil where its event is missing.
    func listedRun(in name: String) -> ClaimedRun? {
        guard let event = event?.listedEvent(in: name) else { return nil }
        return ClaimedRun(
            run: run,
            event: event.event,
            records: records.map { $0.listedRecord(in: name) },
            damage: run.damage ?? event.damage
        )
    }
}

extension Sequence<Row> {
    /// The attempts of the rows, by the run of each, whose number is behind their columns.
    func stepsByRun() -> [Run.ID: [StepRow]] {
        reduce(into: [:]) { steps, row in
            steps[Run.ID(rawValue: row.integer(StepRow.columnCount)), default: []].append(StepRow(row))
        }
    }
}
