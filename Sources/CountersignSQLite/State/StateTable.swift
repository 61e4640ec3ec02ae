package import CountersignCore
package import CountersignStore
package import Foundation
import GRDB

/// A state of a rule as its row holds it.
struct StateRow: Sendable {
    static let columns =
        "id, rule_id, key, part, kind, shape, event_id, CAST(package_id AS BLOB), opened_at, due_at, expires_at, data"

    let id: Int64

    /// Which column is not as the schema says; nil while all are.
    let fault: String?

    private let value: RuleState?

    init(_ row: Row) {
        var reader = RowReader(row)
        id = reader.integer(0, "number")
        let key = StateKey(ruleID: reader.text(1, "rule"), text: reader.text(2, "key"))
        let kind = RuleState.Kind(rawValue: reader.text(4, "kind"))
        if kind == nil { reader.fail("its kind is unknown") }
        let state = RuleState(
            id: id,
            key: key,
            part: reader.text(3, "part"),
            kind: kind ?? .timer,
            shape: reader.text(5, "shape"),
            eventID: reader.optionalInteger(6, "event").map { Event.ID(rawValue: $0) },
            packageID: reader.optionalBytes(7, "package").map { String(decoding: $0, as: UTF8.self) },
            openedAt: reader.time(8, "time of opening"),
            dueAt: reader.optionalTime(9, "due time"),
            expiresAt: reader.optionalTime(10, "time of expiry"),
            data: reader.json(11, "data")
        )
        fault = reader.fault
        value = fault == nil ? state : nil
    }

    /// The state; `path` names the store in the error when the row is damaged.
    func state(path: String) throws -> RuleState {
        guard let value else { throw StoreError.unreadable(path: path, "state \(id) is damaged: \(fault ?? "")") }
        return value
    }
}

/// The states of rules and what is gathered for them, within a transaction.
struct StateTable {
    let db: Database

    func rows(of key: StateKey) throws -> [StateRow] {
        try db.all(.states(of: key)) { StateRow($0) }
    }

    func gathered(of key: StateKey) throws -> [Event.ID] {
        try db.all(.gathered(of: key)) { Event.ID(rawValue: $0.number(at: 0) ?? 0) }
    }

    func apply(_ change: StateChange) throws {
        switch change {
        case .set(let state): try set(state)
        case .remove(let key, let part):
            try db.change(
                "DELETE FROM states WHERE rule_id = ? AND key = ? AND part = ?",
                [key.ruleID, key.text, part]
            )
        case .gather(let key, let event):
            try db.change(
                """
                INSERT INTO gathered (rule_id, key, event_id) VALUES (?, ?, ?)
                ON CONFLICT (rule_id, key, event_id) DO NOTHING
                """,
                [key.ruleID, key.text, event.rawValue]
            )
        case .clear(let key):
            try db.change("DELETE FROM gathered WHERE rule_id = ? AND key = ?", [key.ruleID, key.text])
        }
    }

    private func set(_ state: RuleState) throws {
        try db.change(
            """
            INSERT INTO states (rule_id, key, part, kind, shape, event_id, package_id, opened_at, due_at, expires_at, data)
            VALUES (?, ?, ?, ?, ?, ?, CAST(? AS TEXT), ?, ?, ?, ?)
            ON CONFLICT (rule_id, key, part) DO UPDATE SET kind = excluded.kind, shape = excluded.shape,
                event_id = excluded.event_id, package_id = excluded.package_id, opened_at = excluded.opened_at,
                due_at = excluded.due_at, expires_at = excluded.expires_at, data = excluded.data
            """,
            [
                state.key.ruleID, state.key.text, state.part, state.kind.rawValue, state.shape,
                state.eventID?.rawValue, state.packageID.map { Data($0.utf8) }, state.openedAt.milliseconds,
                state.dueAt?.milliseconds, state.expiresAt?.milliseconds, state.data.text,
            ]
        )
    }

    func remove(ofRule id: String, kind: RuleState.Kind, openedBefore date: Date, limit: Int) throws -> Int {
        try db.change(
            """
            DELETE FROM states WHERE id IN (
                SELECT id FROM states INDEXED BY states_by_rule WHERE rule_id = ? AND kind = ? AND opened_at < ?
                ORDER BY opened_at, id LIMIT ?
            )
            """,
            [id, kind.rawValue, date.milliseconds, max(0, limit)]
        )
    }

    /// Makes states that follow the clock due earlier by so many seconds.
    func bringForward(by seconds: TimeInterval, at now: Date) throws -> Int {
        try db.change(
            """
            UPDATE states INDEXED BY states_due SET due_at = max(?1, due_at - ?2)
            WHERE due_at > ?1 AND json_valid(data) AND json_extract(data, '$.\(RuleState.followsClock)') = 1
            """,
            [now.milliseconds, Int64(seconds * 1_000)]
        )
    }

    func removeExpired(limit: Int, at now: Date) throws -> Int {
        try db.change(
            """
            DELETE FROM states WHERE id IN (
                SELECT id FROM states INDEXED BY states_expiring WHERE expires_at <= ? ORDER BY expires_at, id LIMIT ?
            )
            """,
            [now.milliseconds, max(0, limit)]
        )
    }
}

/// What became of events at rules with state, within a transaction.
struct DecisionTable {
    let db: Database

    /// Adds a decision; of an event that retention has removed meanwhile, none is kept.
    func insert(_ decision: Decision) throws {
        try db.change(
            """
            INSERT INTO decisions (event_id, rule_id, part, kind, facts, run_id, made_at)
            SELECT id, ?, ?, ?, ?, ?, ? FROM events WHERE id = ?
            """,
            [
                decision.ruleID, decision.part, decision.kind.rawValue, decision.facts.text,
                decision.run?.rawValue, decision.at.milliseconds, decision.eventID.rawValue,
            ]
        )
    }
}

/// A decision as its row holds it.
struct DecisionRow: Sendable {
    static let columns = "id, event_id, rule_id, part, kind, facts, run_id, made_at"

    let id: Int64

    /// Which column is not as the schema says; nil while all are.
    let fault: String?

    /// Nil for a damaged one.
    let decision: Decision?

    init(_ row: Row) {
        var reader = RowReader(row)
        id = reader.integer(0, "number")
        let kind = Decision.Kind(rawValue: reader.text(4, "kind"))
        if kind == nil { reader.fail("its kind is unknown") }
        let decision = Decision(
            eventID: Event.ID(rawValue: reader.integer(1, "event")),
            ruleID: reader.text(2, "rule"),
            part: reader.text(3, "part"),
            kind: kind ?? .refused,
            facts: reader.json(5, "facts"),
            run: reader.optionalInteger(6, "run").map { Run.ID(rawValue: $0) },
            at: reader.time(7, "time")
        )
        fault = reader.fault
        self.decision = fault == nil ? decision : nil
    }
}

extension Query {
    /// The states of a key.
    package static func states(of key: StateKey) -> Query {
        Query(
            "SELECT \(StateRow.columns) FROM states WHERE rule_id = ? AND key = ? ORDER BY part",
            [key.ruleID, key.text]
        )
    }

    /// The events that are gathered for a key.
    package static func gathered(of key: StateKey) -> Query {
        Query(
            "SELECT event_id FROM gathered WHERE rule_id = ? AND key = ? ORDER BY event_id",
            [key.ruleID, key.text]
        )
    }

    /// States that are due, without those of some rules.
    package static func dueStates(limit: Int, excluding rules: Set<String>, at now: Date) -> Query {
        Query(
            """
            SELECT \(StateRow.columns) FROM states INDEXED BY states_due
            WHERE due_at <= ? AND rule_id NOT IN (SELECT value FROM json_each(?)) ORDER BY due_at, id LIMIT ?
            """,
            [now.milliseconds, JSON.array(rules.map { .string($0) }).text, limit]
        )
    }

    /// The due time of the state that is due first.
    package static let nextDueState = Query(
        "SELECT due_at FROM states INDEXED BY states_due WHERE due_at IS NOT NULL AND typeof(due_at) = 'integer' "
            + "ORDER BY due_at LIMIT 1"
    )

    /// States as somebody asks for them.
    package static func states(_ query: StateQuery) -> Query {
        if let key = query.key { return states(of: key) }
        var conditions = ["id > ?"]
        var arguments: StatementArguments = [query.after ?? 0]
        if let packageID = query.packageID {
            conditions.append("package_id = CAST(? AS TEXT)")
            arguments += [Data(packageID.utf8)]
        }
        if let ruleID = query.ruleID {
            // A package has a handful of states, a rule may have half of all: the sign keeps its index out of it.
            conditions.append((query.packageID == nil ? "" : "+") + "rule_id = ?")
            arguments += [ruleID]
        }
        if !query.kinds.isEmpty {
            conditions.append("+kind IN (\(query.kinds.map { _ in "?" }.joined(separator: ", ")))")
            arguments += StatementArguments(query.kinds.map(\.rawValue))
        }
        if let shape = query.exceptShape {
            conditions.append("shape <> ?")
            arguments += [shape]
        }
        if query.isDueOnly { conditions.append("due_at IS NOT NULL") }
        let clause = conditions.joined(separator: " AND ")
        arguments += [max(0, query.limit)]
        guard query.ruleID != nil, query.packageID == nil, !query.isDueOnly else {
            let index =
                query.packageID != nil ? "INDEXED BY states_by_package" : query.isDueOnly ? "INDEXED BY states_due" : ""
            let order = query.isDueOnly ? "due_at, id" : "id"
            return Query(
                "SELECT \(StateRow.columns) FROM states \(index) WHERE \(clause) ORDER BY \(order) LIMIT ?",
                arguments
            )
        }
        // Only numbers are sorted, however many states the rule has.
        return Query(
            """
            SELECT \(StateRow.columns) FROM states WHERE id IN (
                SELECT id FROM states INDEXED BY states_by_rule WHERE \(clause) ORDER BY id LIMIT ?
            ) ORDER BY id
            """,
            arguments
        )
    }

    /// How many states there are of each kind at each rule, with the oldest one and the one that is due first.
    package static let stateCounts = Query(
        """
        SELECT rule_id, kind, count(*), min(opened_at), min(due_at) FROM states INDEXED BY states_by_rule
        WHERE kind <> 'timer' OR due_at IS NOT NULL GROUP BY rule_id, kind
        """
    )

    /// The same of one rule's states, without those of a shape.
    package static func stateCounts(ofRule id: String, exceptShape shape: String) -> Query {
        Query(
            """
            SELECT rule_id, kind, count(*), min(opened_at), min(due_at) FROM states INDEXED BY states_by_rule
            WHERE rule_id = ? AND shape <> ? AND (kind <> 'timer' OR due_at IS NOT NULL) GROUP BY rule_id, kind
            """,
            [id, shape]
        )
    }

    /// What became of an event, in the order in which it was decided.
    package static func decisions(of event: Event.ID) -> Query {
        Query(
            "SELECT \(DecisionRow.columns) FROM decisions INDEXED BY decisions_by_event WHERE event_id = ? ORDER BY id",
            [event.rawValue]
        )
    }

    /// The newest events of a history, one more than its limit: one query for a package, or one for each name.
    package static func history(_ query: HistoryQuery) -> [Query] {
        let since = query.since?.milliseconds
        let bound = since == nil ? "" : "AND received_at >= ?"
        func newest(_ index: String, _ column: String, _ value: String) -> Query {
            Query(
                """
                SELECT \(EventRow.columnsWithoutPackage) FROM events INDEXED BY \(index)
                WHERE \(column) = CAST(? AS TEXT) \(bound) ORDER BY received_at DESC, id DESC LIMIT ?
                """,
                [Data(value.utf8)] + (since.map { [$0] } ?? []) + [HistoryQuery.limit + 1]
            )
        }
        switch query.scope {
        case .package(let id): return [newest("events_by_package", "package_id", id)]
        case .names(let names): return Set(names).sorted().map { newest("events_by_name", "name", $0) }
        }
    }
}

extension Database {
    /// Stored events that a decision looks back at, the newest first.
    func history(_ query: HistoryQuery, path: String) throws -> EventHistory {
        let queries = Query.history(query)
        let found = try queries.flatMap { try all($0) { EventRow($0) } }.map { $0.listedEvent(path: path).event }
        let sorted =
            queries.count == 1
            ? found : found.sorted { ($0.receivedAt, $0.id.rawValue) > ($1.receivedAt, $1.id.rawValue) }
        let newest = Array(sorted.prefix(HistoryQuery.limit))
        return EventHistory(events: newest, isTruncated: found.count > newest.count)
    }
}
