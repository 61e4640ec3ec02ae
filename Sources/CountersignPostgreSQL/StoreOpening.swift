import CountersignStore
import Foundation

/// What is found out when a store is opened.
struct StoreOpening {
    let identity: String
    let knowsPolls: Bool
    let instance: Int64?
    let encryption: String?

    /// Makes or migrates the schema, and enters this process among the instances; over a connection of its own.
    static func open(
        _ options: ConnectionOptions,
        _ name: String,
        _ clock: DatabaseClock,
        _ timeouts: Timeouts,
        _ willUpgrade: (StoreUpgrade) throws -> Void
    ) throws -> StoreOpening {
        let connection = Connection(options, for: .migrating, within: timeouts.migration) {
            connection throws(DatabaseError) in
            try ServerSettings.read(over: connection, clock: clock).check(for: .migrating, options)
        }
        defer { connection.drop() }
        try connection.connect()
        try Migrator(connection: connection).migrate(willUpgrade: willUpgrade)
        guard let row = try connection.rows("select identity, knows_polls from @.store").first else {
            throw StoreError.unreadable(path: options.name, "it does not contain a store yet")
        }
        return StoreOpening(
            identity: row.verbatim(0),
            knowsPolls: row.flag(1),
            instance: clock.kind == .server ? try enter(connection, name) : nil,
            encryption: connection.encryption
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

    /// The number and the name of this process among those that use the store.
    let instance: (number: Int64, name: String)?
    let clock: DatabaseClock
    let streams: OwnStreams

    /// Makes sure that the server is fit, and its store ours; then opens a stream.
    func greet(_ connection: Connection) throws(DatabaseError) {
        try ServerSettings.read(over: connection, clock: clock).check(for: .writing, connection.options)
        try expectIdentity(connection)
        try connection.openStream(of: instance?.number)
        if let stream = connection.stream { streams.add(stream.id) }
    }

    /// Makes sure that the store is the one that was opened: a server in the place of another may hold another one.
    func expectIdentity(_ connection: Connection) throws(DatabaseError) {
        let found = try connection.rows("select identity from @.store").first?.verbatim(0)
        guard found == identity else {
            let reason =
                "it holds another store (identity \(found ?? "none") instead of \(identity)); restart the server"
            throw .unfit(.unreadable(path: connection.options.name, reason))
        }
    }

    /// Says that this instance is there, compares the clocks, and reads back what durability rests on.
    func beat(over connection: Connection) {
        guard connection.isConnected, let instance else { return }
        do throws(DatabaseError) {
            try ServerSettings.read(over: connection, clock: clock).check(for: .writing, connection.options)
            _ = try connection.execute([
                Statement(
                    "update @.instances set seen_at = clock_timestamp() where id = $1::int8",
                    [.integer(instance.number)]
                ),
                Homes.arrive(instance.name),
                Statement("delete from @.commits where made_at < clock_timestamp() - interval '1 hour'"),
            ])
        } catch {
            // The next write makes a new connection, and tells what it meets.
            connection.drop()
        }
    }
}

/// Sees what others queue: another instance, a command.
struct WorkWatch: Sendable {
    let instance: String
    let arrivals: AsyncSignal
    let queued: AsyncSignal

    /// Looks once; its own work is signalled without it.
    func look(over connection: Connection) {
        do throws(DatabaseError) {
            try connection.connect()
            let found =
                try connection.rows(
                    """
                    select exists (select 1 from @.inbox),
                        exists (
                            select 1 from @.runs where state = 0 and due_at <= clock_timestamp()
                                and \(Homes.claimable(by: "$1", at: "null"))
                        )
                    """,
                    [.text(instance)]
                )
                .first
            if found?.flag(0) == true { arrivals.notify() }
            if found?.flag(1) == true { queued.notify() }
        } catch {
            // Whoever reads or writes next tells of it.
            connection.drop()
        }
    }
}
