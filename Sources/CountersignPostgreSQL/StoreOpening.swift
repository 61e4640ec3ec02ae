import CountersignStore
import Foundation

/// What is found out when a store is opened.
struct StoreOpening {
    let identity: String
    let knowsPolls: Bool
    let instance: Int64?
    /// How many migrations a program must know to evaluate events.
    let leastProgram: Int

    /// Makes or migrates the schema, and enters this process among the instances; over a connection of its own.
    static func open(
        _ options: ConnectionOptions,
        _ name: String,
        _ clock: DatabaseClock,
        _ timeouts: Timeouts,
        _ plan: MigrationPlan,
        _ willUpgrade: (StoreUpgrade) throws -> Void
    ) throws -> StoreOpening {
        let connection = Connection(options, for: .migrating, within: timeouts.migration) {
            connection throws(DatabaseError) in
            try ServerSettings.read(over: connection, clock: clock).check(for: .migrating, options)
        }
        defer { connection.drop() }
        try connection.connect()
        let migrator = Migrator(connection: connection, plan: plan)
        try migrator.migrate(within: timeouts, willUpgrade: willUpgrade)
        try migrator.expectWhole()
        let store = try connection.rows("select identity, knows_polls, least_program from @.store")
        guard let row = store.first else {
            throw StoreError.unreadable(path: options.name, "it does not contain a store yet")
        }
        return StoreOpening(
            identity: row.verbatim(0),
            knowsPolls: row.flag(1),
            instance: clock.kind == .server ? try enter(connection, name) : nil,
            leastProgram: row.count(2)
        )
    }

    private static func enter(_ connection: Connection, _ name: String) throws(DatabaseError) -> Int64? {
        let rows = try connection.execute([
            Statement("delete from @.instances where seen_at < clock_timestamp() - interval '1 day'"),
            Statement("insert into @.instances (name) values ($1::text) returning id", [.text(name)]),
            Homes.arrive(name),
        ])
        return rows[1].first?.integer(0)
    }
}

/// What a connection that writes does first, and from time to time.
struct Greeting: Sendable {
    let identity: String

    /// The name of this instance; nil for who only reads.
    let name: String?
    let own: OwnInstance
    let clock: DatabaseClock
    let streams: OwnStreams
    let schema: SchemaKnowledge

    /// Makes sure that the server is fit, and its store ours; then opens a stream.
    func greet(_ connection: Connection) throws(DatabaseError) {
        try ServerSettings.read(over: connection, clock: clock).check(for: .writing, connection.options)
        try expectIdentity(connection)
        if !connection.isPooled { _ = try connection.execute([Connection.planning(isLocal: false)]) }
        try connection.openStream(of: own.id)
        if let stream = connection.stream { streams.add(stream.id) }
    }

    /// Makes sure that the store is the one that was opened: a server in the place of another may hold another one.
    func expectIdentity(_ connection: Connection) throws(DatabaseError) {
        let row = try connection.rows("select identity, least_intake, least_program from @.store").first
        let found = row?.verbatim(0)
        guard found == identity else {
            let reason =
                "it holds another store (identity \(found ?? "none") instead of \(identity)); restart the server"
            throw .unfit(.unreadable(path: connection.options.name, reason))
        }
        let least = row?.count(1) ?? 0
        guard least <= schema.version else {
            throw .unfit(.newer(path: connection.options.name, found: least, known: schema.version))
        }
        schema.learn(leastProgram: row?.count(2) ?? 0)
    }

    /// Says that this instance is there, compares the clocks, and reads back what durability rests on.
    func beat(over connection: Connection) {
        guard connection.isConnected else { return }
        do throws(DatabaseError) {
            try ServerSettings.read(over: connection, clock: clock).check(for: .writing, connection.options)
            try expectIdentity(connection)
            _ = try connection.execute(
                [
                    own.heartbeat,
                    Statement("delete from @.commits where made_at < clock_timestamp() - interval '1 hour'"),
                ] + (name.map { [Homes.arrive($0)] } ?? [])
            )
        } catch {
            // The next write makes a new connection, and tells what it meets.
            connection.drop()
        }
    }
}
