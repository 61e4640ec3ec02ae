package import CountersignCore
package import CountersignStore
import Foundation
import Synchronization

/// Reads a store, whether servers run on it or not; it never writes.
package final class PostgreSQLArchive: Archive {
    let options: ConnectionOptions
    let queries: Queries

    /// What the store is called in sentences.
    var name: String { options.name }

    let clock: DatabaseClock
    private let threads: [ConnectionThread]
    private let turn = Atomic(0)
    private let storeIdentity: String

    /// How long a reading may take, with all that is tried again.
    private let limit: Duration

    /// Opens a store that is there, for reading alone.
    ///
    /// - Parameters:
    ///   - options: Where it is.
    ///   - timeouts: How long calls may take.
    ///   - plan: The migrations that are known.
    /// - Throws: `StoreError`.
    /// - Returns: The store.
    package static func open(
        _ options: ConnectionOptions,
        timeouts: Timeouts = Timeouts(),
        plan: MigrationPlan = .published
    ) throws -> PostgreSQLArchive {
        do throws(DatabaseError) {
            let clock = DatabaseClock(.server)
            let connection = Connection(options, for: .reading, within: timeouts.read) {
                connection throws(DatabaseError) in
                try ServerSettings.read(over: connection, clock: clock).check(for: .reading, options)
            }
            defer { connection.drop() }
            try connection.connect()
            let migrator = Migrator(connection: connection, plan: plan)
            try migrator.expectReadable()
            try migrator.expectWhole()
            let identity = try connection.rows("select identity from @.store").first?.verbatim(0) ?? ""
            let schema = SchemaKnowledge(version: plan.version, leastProgram: 0)
            return PostgreSQLArchive(options, identity: identity, clock: clock, schema: schema, limit: timeouts.read)
        } catch {
            throw error.storeError(on: options.name)
        }
    }

    init(
        _ options: ConnectionOptions,
        identity: String,
        clock: DatabaseClock,
        schema: SchemaKnowledge,
        limit: Duration
    ) {
        (self.options, self.clock, self.limit) = (options, clock, limit)
        queries = Queries(clock: clock, program: schema.version)
        storeIdentity = identity
        let greeting = Greeting(
            identity: identity,
            name: nil,
            own: OwnInstance(id: nil, clock: clock),
            clock: clock,
            streams: OwnStreams(),
            schema: schema
        )
        let making: @Sendable () -> Connection = {
            Connection(options, for: .reading, within: limit) { connection throws(DatabaseError) in
                try ServerSettings.read(over: connection, clock: clock).check(for: .reading, options)
                try greeting.expectIdentity(connection)
            }
        }
        threads = ["store.reader.1", "store.reader.2"].map { ConnectionThread($0, making: making) }
    }

    /// Ends the connections.
    package func close() { for thread in threads { thread.close() } }

    deinit { close() }

    /// What `body` reads; tried again over a new connection where one is lost.
    func read<Value: Sendable>(_ body: @escaping @Sendable (Connection) throws -> Value) async throws -> Value {
        let thread = threads[turn.add(1, ordering: .relaxed).newValue % threads.count]
        let (limit, name) = (limit, name)
        return try await withCheckedThrowingContinuation { continuation in
            let isTaken = thread.perform { connection in
                continuation.resume(with: Result { try Self.read(body, over: connection, within: limit, of: name) })
            }
            if !isTaken { continuation.resume(throwing: StoreError.unreachable("the store is closed")) }
        }
    }

    private static func read<Value>(
        _ body: (Connection) throws -> Value,
        over connection: Connection,
        within limit: Duration,
        of name: String
    ) throws -> Value {
        let deadline = ContinuousClock.now + limit
        while true {
            do {
                try connection.connect(until: deadline)
                return try body(connection)
            } catch let error as DatabaseError {
                // A connection that idled too long is found out at its next use.
                guard case .lost = error, ContinuousClock.now < deadline else { throw error.storeError(on: name) }
            }
        }
    }

    /// The rows of one statement, decoded on the connection's thread.
    func all<Value: Sendable>(
        _ statement: Statement,
        _ decode: @escaping @Sendable (Row) throws -> Value
    ) async throws -> [Value] {
        try await read { try $0.execute([statement])[0].map(decode) }
    }
}

extension PostgreSQLArchive {
    /// Events that meet the query, the newest first; the text of the query is ignored.
    package func events(_ query: EventQuery) async throws -> [StoredEvent] {
        try await all(queries.events(query)) { EventRow($0) }.map { $0.listedEvent(in: name) }
    }

    /// The numbers of the events that meet the query, the oldest first; the limit keeps the oldest ones.
    package func eventIDs(_ query: EventQuery) async throws -> [Event.ID] {
        try await all(queries.eventIDs(query)) { Event.ID(rawValue: $0.integer(0)) }
    }

    /// The events behind `position`, the oldest first.
    package func events(after position: EventPosition, limit: Int) async throws -> [StoredEvent] {
        try await all(queries.events(after: position, limit: limit)) { EventRow($0) }.map { $0.listedEvent(in: name) }
    }

    /// One event with its body; nil when there is none of this number.
    package func event(_ id: Event.ID) async throws -> StoredEvent? {
        try await all(queries.events([id.rawValue])) { EventRow($0) }.first?.listedEvent(in: name)
    }

    /// Quarantined bodies that meet the query, those with the highest numbers first.
    package func quarantined(_ query: QuarantineQuery) async throws -> [QuarantinedBody] {
        var conditions = Conditions()
        if let since = query.since {
            conditions.add("q.received_at >=", .time(clock.moment(since)), "timestamptz")
        }
        if let before = query.before { conditions.add("q.id <", .integer(before), "int8") }
        let limit = conditions.parameter(.integer(max(0, query.limit)), "int8")
        let sql = """
            select \(QuarantinedBody.columns) from @.quarantine q \(limit.clause) order by q.id desc limit \(limit.place)
            """
        return try await all(Statement(sql, limit.parameters)) { QuarantinedBody($0) }
    }

    /// One quarantined body; nil when there is none of this number.
    package func quarantined(_ id: Int64) async throws -> QuarantinedBody? {
        let sql = "select \(QuarantinedBody.columns) from @.quarantine q where q.id = $1::int8"
        return try await all(Statement(sql, [.integer(id)])) { QuarantinedBody($0) }.first
    }

    /// The evaluations of an event by replays, in their order, without those whose rows are damaged.
    package func evaluations(of event: Event.ID) async throws -> [Evaluation] {
        let sql = "select evaluated_at, rule_set, match_set from @.replays where event_id = $1::int8 order by id"
        return try await all(Statement(sql, [.integer(event.rawValue)])) { row in
            Evaluation(
                at: row.time(0),
                ruleSet: RuleSetVersion(rawValue: row.verbatim(1)),
                matchSet: MatchSet(bytes: row.bytes(2))
            )
        }
    }

    /// The trace id that follows from this store's `identity` and the event.
    package func traceID(of event: Event) async throws -> TraceID { TraceID(store: storeIdentity, event: event) }

    /// Runs that meet the query, those with the highest numbers first.
    package func runs(_ query: RunQuery) async throws -> [Run] { try await all(queries.runs(query)) { Run($0) } }

    /// The runs of these events, in the order in which they were made.
    package func runs(of events: [Event.ID]) async throws -> [Run] {
        try await all(queries.runs(of: events)) { Run($0) }
    }

    /// One run with its event and attempts; nil when there is none of this number.
    package func run(_ id: Run.ID) async throws -> ClaimedRun? {
        let queries = queries
        let row = try await read { connection -> ClaimedRow? in
            guard let run = try connection.execute([queries.run(id)])[0].first.map({ Run($0) }) else { return nil }
            let rows = try connection.execute([queries.events([run.eventID.rawValue]), queries.steps(of: [id])])
            return ClaimedRow(run: run, event: rows[0].first.map { EventRow($0) }, records: rows[1].map { StepRow($0) })
        }
        return row?.listedRun(in: name)
    }

    /// How many runs are in each state that has any; a state that is damaged is left out.
    package func runCounts() async throws -> [Run.State: Int] {
        let counts = try await all(queries.runCounts) { (Run.State(code: $0.integer(0)), $0.count(1)) }
        return counts.reduce(into: [:]) { counts, row in row.0.map { counts[$0] = row.1 } }
    }

    /// Events that wait, for the process that has these streams; nil where there is no other.
    func undispatched(limit: Int, ownStreams streams: [Int64]?) async throws -> [EventRow] {
        let waiting =
            streams.map { queries.undispatched(limit: limit, ownStreams: $0) } ?? queries.undispatched(limit: limit)
        return try await all(waiting) { EventRow($0) }
    }

    /// By our clock, by which the caller waits for it.
    func nextDue(of instance: String) async throws -> Date? {
        try await all(queries.nextDue(of: instance)) { $0.optionalTime(0) }.first?.map { clock.date($0) }
    }

    func steps(of runs: [Run.ID]) async throws -> [Run.ID: [StepRow]] {
        guard !runs.isEmpty else { return [:] }
        let steps = queries.steps(of: runs)
        return try await read { try $0.execute([steps])[0].stepsByRun() }
    }

    /// The sources of a rule set; nil when they were never kept.
    ///
    /// - Throws: `StoreError.unreadable`, also where they are damaged.
    package func sources(of ruleSet: RuleSetVersion) async throws -> JSON? {
        try await json("select sources from @.rule_sets where version = $1::text", [.verbatim(ruleSet.rawValue)])
    }

    /// The active rule set; nil before the first one.
    package func activation() async throws -> Activation? {
        try await activation(
            Statement("select \(Activation.columns) from @.activations order by number desc limit 1")
        )
    }

    /// When this rule set was activated last; nil where it never was.
    package func activation(of ruleSet: RuleSetVersion) async throws -> Activation? {
        try await activation(
            Statement(
                "select \(Activation.columns) from @.activations where rule_set = $1::text order by number desc limit 1",
                [.verbatim(ruleSet.rawValue)]
            )
        )
    }

    private func activation(_ statement: Statement) async throws -> Activation? {
        let clock = clock
        return try await all(statement) { Activation($0, clock) }.first
    }

    /// The value that was stored last under `key`; nil when there is none.
    package func value(forKey key: String) async throws -> JSON? {
        try await json("select value from @.key_values where key = $1::text", [.text(key)])
    }

    private func json(_ sql: String, _ parameters: [Parameter] = []) async throws -> JSON? {
        let text = try await all(Statement(sql, parameters)) { $0.verbatim(0) }.first
        do {
            return try text.map { try JSON(parsing: $0, limits: .stored) }
        } catch {
            throw StoreError.unreadable(path: name, "a rule set or a value is damaged: \(error)")
        }
    }
}

extension QuarantinedBody {
    /// The columns of the table as `q`.
    static let columns = "q.id, q.body, q.reason, q.received_at"

    init(_ row: Row) {
        self.init(id: row.integer(0), body: row.bytes(1), reason: row.text(2), receivedAt: row.time(3))
    }
}
