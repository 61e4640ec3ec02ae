import CountersignStore

/// What can be said of the server, one sentence for each matter.
struct ServerFacts {
    /// How many locks an instance may hold at a time.
    private static let locksOfInstance = 1_024

    /// Below so many dead rows a table is small, whatever the others are.
    private static let fewDeadRows = 10_000

    private let options: ConnectionOptions
    private let settings: ServerSettings
    private let connection: Connection
    private let clock: DatabaseClock
    private let schema: SchemaKnowledge

    /// Asks the server over a connection that reads.
    static func read(
        over connection: Connection,
        clock: DatabaseClock,
        schema: SchemaKnowledge
    ) throws(DatabaseError) -> [StoreFact] {
        let settings = try ServerSettings.read(over: connection, clock: clock)
        let facts = ServerFacts(
            options: connection.options,
            settings: settings,
            connection: connection,
            clock: clock,
            schema: schema
        )
        return [
            facts.durability, facts.encryption, try facts.standby(), try facts.locks(), try facts.tables(),
            facts.offset,
            facts.pooler, try facts.version(),
        ]
        .compactMap(\.self)
    }

    private var durability: StoreFact {
        let text =
            "version \(settings.version / 10_000).\(settings.version % 10_000), fsync \(settings.fsync), "
            + "full_page_writes \(settings.fullPageWrites), synchronous_commit \(settings.synchronousCommit)"
        if let fault = settings.fault(options) { return StoreFact("postgresql", .failure, fault) }
        guard options.durability == .asynchronous else { return StoreFact("postgresql", .fine, text) }
        return StoreFact(
            "postgresql",
            .warning,
            "\(text); the last events may be lost in a crash of the server: remove 'postgresql.durability'"
        )
    }

    private var encryption: StoreFact {
        guard let encryption = connection.encryption else {
            guard options.isLocal else {
                return StoreFact(
                    "postgresql tls",
                    .failure,
                    "none, so passwords and events can be read on the network: set sslmode=verify-full in 'store'"
                )
            }
            return StoreFact("postgresql tls", .fine, "none, and none is needed: the server is on this machine")
        }
        guard options.isLocal || options.verifiesServer else {
            return StoreFact(
                "postgresql tls",
                .warning,
                "\(encryption), but nobody checks who the server is: set sslmode=verify-full in 'store'"
            )
        }
        return StoreFact("postgresql tls", .fine, encryption)
    }

    private func standby() throws(DatabaseError) -> StoreFact {
        let subject = "postgresql standby"
        guard !settings.standbys.isEmpty else {
            return StoreFact(
                subject,
                .fine,
                "none confirms commits: a failover may lose the last events (see 'postgresql.require')"
            )
        }
        let found =
            try connection.rows(
                "select count(*), count(*) filter (where sync_state in ('sync', 'quorum')), "
                    + "pg_has_role(current_user, 'pg_read_all_stats', 'usage') from pg_stat_replication"
            )
            .first
        let names = "synchronous_standby_names is \(settings.standbys)"
        // Without that right the server tells that there are standbys, and nothing of them.
        let count = found?.flag(2) == true ? found?.count(1) ?? 0 : found?.count(0) ?? 0
        guard count > 0 else {
            return StoreFact(subject, .failure, "\(names), and none is connected, so commits wait: start the standby")
        }
        return StoreFact(subject, .fine, "\(names), \(count) connected")
    }

    private func locks() throws(DatabaseError) -> StoreFact? {
        let found = try connection.rows(
            """
            select current_setting('max_locks_per_transaction')::int8,
                current_setting('max_connections')::int8 + current_setting('max_prepared_transactions')::int8,
                (select count(*) from @.instances where seen_at > clock_timestamp() - interval '30 seconds')
            """
        )
        guard let row = found.first else { return nil }
        let (perSession, sessions, instances) = (row.count(0), row.count(1), max(1, row.count(2)))
        let (room, need) = (perSession * sessions, instances * Self.locksOfInstance)
        let text = "room for \(room) locks, and \(instances) × \(Self.locksOfInstance) may be needed"
        guard room < need else { return StoreFact("postgresql locks", .fine, text) }
        let wanted = (need + sessions - 1) / sessions
        return StoreFact(
            "postgresql locks",
            .warning,
            "\(text): set max_locks_per_transaction to \(wanted) or more, and restart the database server"
        )
    }

    private func tables() throws(DatabaseError) -> StoreFact {
        let found = try connection.rows(
            """
            select relname::text, n_dead_tup, n_live_tup from pg_stat_user_tables
            where schemaname = $1::text and n_dead_tup > n_live_tup and n_dead_tup > $2::int8
            order by n_dead_tup desc limit 5
            """,
            [.verbatim(options.schema), .integer(Self.fewDeadRows)]
        )
        let bloated = found.map { "\($0.verbatim(0)) (\($0.integer(1)) dead, \($0.integer(2)) live rows)" }
        guard !bloated.isEmpty else {
            return StoreFact("postgresql tables", .fine, "none has more dead rows than live ones")
        }
        return StoreFact(
            "postgresql tables",
            .warning,
            "\(bloated.joined(separator: ", ")): autovacuum does not keep up; end transactions that stay open for long "
                + "(pg_stat_activity, pg_replication_slots), and run VACUUM"
        )
    }

    private var offset: StoreFact {
        let text =
            "this machine is \(abs(clock.offset.milliseconds)) ms \(clock.offset < .zero ? "ahead of" : "behind") it"
        guard abs(clock.offset.milliseconds) > 1_000 else { return StoreFact("postgresql clock", .fine, text) }
        return StoreFact(
            "postgresql clock",
            .warning,
            "\(text): synchronize the clocks of this machine and the database server"
        )
    }

    private var pooler: StoreFact? {
        guard connection.isPooled else { return nil }
        return StoreFact(
            "postgresql pooler",
            .fine,
            "a pooler answers: instances look for work four times a second instead of being notified"
                + (connection.usesNames ? "" : ", and statements are prepared for each call ('postgresql.prepare')")
        )
    }

    private func version() throws(DatabaseError) -> StoreFact? {
        let found = try connection.rows("select max(number) from @.migrations").first?.count(0) ?? 0
        if schema.isOutdated {
            return StoreFact("postgresql schema", .failure, "\(schema.refusal(options.name))")
        }
        guard found > schema.version else { return nil }
        return StoreFact(
            "postgresql schema",
            .warning,
            "a newer Countersign has upgraded the schema (\(found), this program knows \(schema.version)); both may run "
                + "until all are updated"
        )
    }
}
