import CountersignPostgreSQL
import PostgreSQLServer
import Testing

/// A schema of its own for a test, on the server that all share.
struct TestStore {
    /// How its clients reach the server.
    enum Way: String, CaseIterable, CustomTestStringConvertible {
        case direct
        /// By a pooler that gives each transaction to whichever session is free.
        case pooled

        var testDescription: String { rawValue }
    }

    let server: PostgreSQLServer
    let schema: String

    /// How a client reaches the server, in libpq's words.
    private let text: String

    /// Calls may take longer here: several builds may share the machine.
    static var timeouts: Timeouts {
        var timeouts = Timeouts()
        (timeouts.write, timeouts.event) = (.seconds(20), .seconds(20))
        return timeouts
    }

    init(on server: PostgreSQLServer? = nil, way: Way = .direct) throws {
        self.server = try server ?? PostgreSQLServer.shared()
        schema = self.server.newSchema()
        text = way == .pooled ? try PgBouncer.shared().text : self.server.text
    }

    /// A schema on a server, by another way to it.
    init(on server: PostgreSQLServer, by text: String) {
        self.server = server
        schema = server.newSchema()
        self.text = text
    }

    var options: ConnectionOptions {
        get throws { try ConnectionOptions(text, schema: schema) }
    }

    func open(
        as instance: String = "instance",
        time: DatabaseClock.Kind = .caller,
        timeouts: Timeouts = Self.timeouts,
        plan: MigrationPlan = .published
    ) throws -> PostgreSQLStore {
        try PostgreSQLStore.open(options, instance: instance, time: time, timeouts: timeouts, plan: plan)
    }

    /// What a statement gives, with `@.` before each table.
    @discardableResult
    func sql(_ statement: String) throws -> String {
        try server.sql(statement.replacing("@.", with: "\(schema)."))
    }

    /// Has the server end the connections that write to this store; other tests have others on the same server.
    func endWriters() throws {
        try sql(
            """
            select pg_terminate_backend(a.pid) from @.streams s
            join pg_stat_activity a on a.pid = s.backend and a.backend_start = s.backend_started_at
            """
        )
    }

    /// Removes the schema.
    func remove() throws { try server.sql("drop schema if exists \(schema) cascade") }
}
