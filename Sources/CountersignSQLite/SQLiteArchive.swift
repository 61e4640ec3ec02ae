package import CountersignCore
package import CountersignStore
import Foundation
import GRDB

/// Reads a store's file, whether a server runs on it, has stopped, or was killed.
///
/// It never writes a row, checkpoints, migrates, or makes a store that is missing.
package final class SQLiteArchive: Archive {
    let readers: DatabasePool
    let path: String

    /// - Throws: `StoreError.unreadable`, `StoreError.newer`.
    package static func open(path: String) throws -> SQLiteArchive {
        let path = StorePath.resolved(path)
        let file = StoreFile(path: path)
        guard file.exists else {
            throw StoreError.unreadable(path: path, "there is no such file; 'countersign serve' creates it")
        }
        try file.expectOurs()
        return try SQLiteArchive(path: path)
    }

    init(path: String) throws {
        self.path = path
        var configuration = Configuration()
        configuration.label = "countersign.store.reader"
        // Read-only at the level of the file: the close of the last such connection cannot checkpoint either.
        configuration.readonly = true
        configuration.busyMode = .timeout(5)
        configuration.maximumReaderCount = 4
        configuration.prepareDatabase { db in
            try db.execute(sql: "PRAGMA query_only = 1; PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -4000")
        }
        do {
            readers = try DatabasePool(path: path, configuration: configuration)
            try readers.read { try Schema.active.check($0, path: path) }
        } catch let error as DatabaseError {
            throw StoreError(opening: error, path: path)
        }
    }

    /// Events that meet the query, the newest first; the text of the query is ignored.
    package func events(_ query: EventQuery) async throws -> [StoredEvent] {
        try await read { try $0.all(.events(query)) { EventRow($0) } }.map { $0.listedEvent(path: path) }
    }

    /// The numbers of the events that meet the query, the oldest first; the limit keeps the oldest ones.
    package func eventIDs(_ query: EventQuery) async throws -> [Event.ID] {
        try await read { try $0.all(.eventIDs(query)) { Event.ID(rawValue: $0.number(at: 0) ?? 0) } }
    }

    /// The events behind `position`, the oldest first.
    package func events(after position: EventPosition, limit: Int) async throws -> [StoredEvent] {
        try await read { try $0.all(.events(after: position, limit: limit)) { EventRow($0) } }
            .map { $0.listedEvent(path: path) }
    }

    /// One event with its body; nil when there is none of this number.
    package func event(_ id: Event.ID) async throws -> StoredEvent? {
        try await read { db in
            try db.first("SELECT \(EventRow.columns) FROM events WHERE id = ?", [id.rawValue]) { EventRow($0) }
        }?
        .listedEvent(path: path)
    }

    /// Quarantined bodies that meet the query, those with the highest numbers first.
    package func quarantined(_ query: QuarantineQuery) async throws -> [QuarantinedBody] {
        try await read { db in
            try db.all(
                """
                SELECT \(QuarantinedBody.columns) FROM quarantine
                WHERE received_at >= ? AND id < ? ORDER BY id DESC LIMIT ?
                """,
                [query.since?.milliseconds ?? .min, query.before ?? .max, max(0, query.limit)]
            ) { QuarantinedBody($0) }
        }
    }

    /// Runs that meet the query, those with the highest numbers first.
    package func runs(_ query: RunQuery) async throws -> [Run] {
        try await read { db in try db.all(.runs(try db.bounded(query))) { Run($0) } }
    }

    /// One run with its event and attempts; nil when there is none of this number.
    package func run(_ id: Run.ID) async throws -> ClaimedRun? {
        try await read { try ClaimedRow(id, in: $0) }?.listedRun(path: path)
    }

    /// How many runs are in each state that has any; a state that is damaged is left out.
    package func runCounts() async throws -> [Run.State: Int] {
        let counts = try await read { db in
            try db.all(.runCounts) {
                (state: $0.text(at: 0).flatMap { Run.State(rawValue: $0) }, count: $0.number(at: 1) ?? 0)
            }
        }
        return counts.reduce(into: [:]) { counts, row in
            if let state = row.state { counts[state] = Int(row.count) }
        }
    }

    func undispatched(limit: Int) async throws -> [EventRow] {
        try await read { db in
            let query = Query.undispatched(limit: limit)
            let cursor = try Row.fetchCursor(db.cachedStatement(sql: query.sql), arguments: query.arguments)
            var rows: [EventRow] = []
            var bytes = 0
            while bytes < WaitingEvents.mostBytes, let row = try cursor.next() {
                let event = EventRow(row)
                bytes += event.body.count
                rows.append(event)
            }
            return rows
        }
    }

    func nextDue() async throws -> Date? {
        try await read { try $0.all(.nextDue) { $0.time(at: 0) } }.first ?? nil
    }

    /// The sources of a rule set; nil when they were never kept.
    ///
    /// - Throws: `StoreError.unreadable`, also where they are damaged.
    package func sources(of ruleSet: RuleSetVersion) async throws -> JSON? {
        try await sources("SELECT sources FROM rule_sets WHERE version = ?", [ruleSet.rawValue])
    }

    /// The active rule set; nil before the first one.
    package func activation() async throws -> Activation? {
        try await activation("SELECT \(Activation.columns) FROM activations ORDER BY number DESC LIMIT 1", [])
    }

    /// When this rule set was activated last; nil where it never was.
    package func activation(of ruleSet: RuleSetVersion) async throws -> Activation? {
        try await activation(
            "SELECT \(Activation.columns) FROM activations WHERE rule_set = ? ORDER BY number DESC LIMIT 1",
            [ruleSet.rawValue]
        )
    }

    private func activation(_ query: String, _ arguments: StatementArguments) async throws -> Activation? {
        try await read { try $0.first(query, arguments) { Activation($0) } }
    }

    private func sources(_ query: String, _ arguments: StatementArguments) async throws -> JSON? {
        let text = try await read { try $0.first(query, arguments) { $0.text(at: 0) } } ?? nil
        do {
            return try text.map { try JSON(parsing: $0, limits: JSON.Limits(depth: 512, keys: .max)) }
        } catch {
            throw StoreError.unreadable(path: path, "the sources of a rule set are damaged: \(error)")
        }
    }

    /// The value that was stored last under `key`; nil when there is none.
    package func value(forKey key: String) async throws -> JSON? {
        let text = try await read { db in
            try db.first("SELECT value FROM key_values WHERE key = ?", [key]) { $0.text(at: 0) }
        }
        do {
            return try (text ?? nil).map { try JSON(parsing: $0) }
        } catch {
            throw StoreError.unreadable(path: path, "the value of key '\(key)' is damaged: \(error)")
        }
    }

    func hasNotes() throws -> Bool {
        try readers.read { try Bool.fetchOne($0, sql: "SELECT EXISTS (SELECT 1 FROM key_values)") } ?? false
    }

    /// The trace id that follows from the identity in the store's file and the event.
    package func traceID(of event: Event) async throws -> TraceID {
        let identity = try await read { try String.fetchOne($0, sql: "SELECT identity FROM store") }
        return TraceID(store: identity ?? "", event: event)
    }

    func identity() throws -> String {
        try readers.read { try String.fetchOne($0, sql: "SELECT identity FROM store") } ?? ""
    }

    /// Closes the connections that read; the archive cannot be used any more.
    package func close() throws {
        try readers.close()
    }

    func read<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws -> Value {
        do {
            return try await readers.read(body)
        } catch let error as DatabaseError {
            throw StoreError(opening: error, path: path)
        }
    }
}
