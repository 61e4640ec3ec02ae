package import CountersignCore
package import CountersignStore
import Foundation
import GRDB

/// Lists that people page through.
extension SQLiteArchive {
    /// One page of events, the newest first; a search for a text or an origin ends at `EventQuery.searchDepth`.
    package func page(of query: EventQuery) async throws -> EventPage {
        let text = query.text ?? ""
        guard !text.isEmpty || query.origin != nil else {
            var more = query
            more.limit += 1
            return EventPage(try await events(more), limit: query.limit)
        }
        let found = try await read { try $0.search(query, for: text) }
        return EventPage(events: found.rows.map { $0.listedEvent(path: path) }, next: found.next)
    }

    /// One quarantined body; nil when there is none of this number.
    package func quarantined(_ id: Int64) async throws -> QuarantinedBody? {
        try await read { db in
            try db.first("SELECT \(QuarantinedBody.columns) FROM quarantine WHERE id = ?", [id]) {
                QuarantinedBody($0)
            }
        }
    }

    /// The evaluations of an event by replays, in their order, without those whose rows are damaged.
    package func evaluations(of event: Event.ID) async throws -> [Evaluation] {
        try await read { db in
            try db.all(
                "SELECT evaluated_at, rule_set, match_set FROM evaluations WHERE event_id = ? ORDER BY id",
                [event.rawValue]
            ) { row -> Evaluation? in
                // One that is damaged is left out: 'store check' names it.
                guard let at = row.time(at: 0), let ruleSet = row.text(at: 1) else { return nil }
                return Evaluation(
                    at: at,
                    ruleSet: RuleSetVersion(rawValue: ruleSet),
                    matchSet: MatchSet(bytes: try row.bytes(at: 2))
                )
            }
            .compactMap { $0 }
        }
    }

    /// Runs as lists show them, the newest first; a damaged one shows what is damaged.
    package func runRows(_ query: RunQuery) async throws -> [RunRow] {
        let (runs, events, records) = try await read { db in
            let runs = try db.all(.runs(try db.bounded(query))) { Run($0) }
            let events = try db.all(.events(Set(runs.map(\.eventID)))) { EventRow($0) }
            return (runs, events, try db.records(of: runs.filter(RunRow.showsReason).map(\.id)))
        }
        let stored = Dictionary(events.map { $0.listedEvent(path: path) }.map { ($0.event.id, $0) }) { first, _ in first
        }
        return runs.compactMap { run in
            let attempts = (records[run.id] ?? []).map { $0.listedRecord(path: path) }
            return stored[run.eventID]
                .map { RunRow(run, for: $0.event, records: attempts, damage: run.damage ?? $0.damage) }
        }
    }

    /// All attempts of these runs, in the order in which they were made; a run without any is left out.
    package func records(of runs: [Run.ID]) async throws -> [Run.ID: [StepRecord]] {
        try await read { try $0.records(of: runs) }.mapValues { rows in rows.map { $0.listedRecord(path: path) } }
    }

    /// The runs of these events, in the order in which they were made.
    package func runs(of events: [Event.ID]) async throws -> [Run] {
        try await read { db in
            try events.flatMap { try db.all(.runs(RunQuery(eventID: $0, limit: .max))) { Run($0) } }
        }
        .sorted { $0.id.rawValue < $1.id.rawValue }
    }
}

extension QuarantinedBody {
    static let columns = "id, body, reason, received_at"

    init(_ row: Row) {
        var reader = RowReader(row)
        let (id, body) = (reader.integer(0, "number"), reader.bytes(1, "body"))
        let (reason, receivedAt) = (reader.text(2, "reason"), reader.time(3, "time of receipt"))
        self.init(
            id: id,
            body: body,
            reason: reader.fault.map { "quarantined body \(id) is damaged: \($0)" } ?? reason,
            receivedAt: receivedAt
        )
    }
}

extension Query {
    /// Events by their numbers.
    package static func events(_ ids: Set<Event.ID>) -> Query {
        Query(
            "SELECT \(EventRow.columns) FROM events WHERE id IN (SELECT value FROM json_each(?))",
            [JSON.array(ids.map { JSON($0.rawValue) }).text]
        )
    }

    /// The attempts of runs, each behind the number of its run.
    package static func records(of runs: [Run.ID]) -> Query {
        Query(
            """
            SELECT \(StepRow.columns), run_id FROM steps INDEXED BY steps_by_run
            WHERE run_id IN (SELECT value FROM json_each(?)) ORDER BY id
            """,
            [JSON.array(runs.map { JSON($0.rawValue) }).text]
        )
    }
}

extension Database {
    /// The attempts of runs as their rows hold them.
    fileprivate func records(of runs: [Run.ID]) throws -> [Run.ID: [StepRow]] {
        guard !runs.isEmpty else { return [:] }
        let rows = try all(.records(of: runs)) { row in
            (run: Run.ID(rawValue: row.number(at: StepRow.columnCount) ?? 0), record: StepRow(row))
        }
        return Dictionary(grouping: rows, by: \.run).mapValues { $0.map(\.record) }
    }

    func first<Value>(_ query: Query, _ decode: (Row) throws -> Value) throws -> Value? {
        try first(query.sql, query.arguments, decode)
    }

    fileprivate func search(
        _ query: EventQuery,
        for text: String
    ) throws -> (rows: [EventRow], next: EventPosition?) {
        let candidates = Query.search(query)
        let cursor = try Row.fetchCursor(cachedStatement(sql: candidates.sql), arguments: candidates.arguments)
        let search = TextSearch(text)
        var rows: [EventRow] = []
        var seen = 0
        while rows.count < query.limit, let row = try cursor.next() {
            seen += 1
            if row.number(at: EventRow.columnCount) ?? 0 != 0, search.matches(try row.bytes(at: EventRow.bodyColumn)) {
                rows.append(EventRow(row))
            }
            guard seen == EventQuery.searchDepth || rows.count == query.limit else { continue }
            let position = EventPosition(
                receivedAt: row.time(at: EventRow.receivedAtColumn) ?? Date(milliseconds: 0),
                id: Event.ID(rawValue: row.number(at: 0) ?? 0)
            )
            return (rows, position)
        }
        return (rows, nil)
    }
}
