import CountersignCore
import CountersignStore
import Foundation

/// Brings the schema up to date, one instance at a time.
///
/// Locks are held for the transaction, so that it works behind a pooler as well. What is in the way of the others is
/// undone after two seconds, and tried again: writers wait for a migration, and must not wait long.
struct Migrator {
    /// How often a migration is tried whose locks others hold.
    private static let mostAttempts = 15

    let connection: Connection
    let plan: MigrationPlan

    private var schema: String { connection.options.schema }
    private var name: String { connection.options.name }

    /// How many migrations the schema has seen; nil where it holds no store.
    func version() throws(DatabaseError) -> Int? {
        let found = try connection.rows(
            "select to_regclass(quote_ident($1::text) || '.migrations') is not null, to_regnamespace(quote_ident($1::text)) "
                + "is not null and exists (select 1 from pg_class where relnamespace = to_regnamespace(quote_ident($1::text)))",
            [.verbatim(schema)]
        )
        guard let row = found.first, row.flag(0) else {
            guard found.first?.flag(1) != true else {
                let reason =
                    "the schema '\(schema)' holds tables of another program; name another with 'postgresql.schema'"
                throw .unfit(.unreadable(path: name, reason))
            }
            return nil
        }
        return try connection.rows("select coalesce(max(number), 0) from @.migrations").first?.count(0)
    }

    /// Makes sure that a reader, who may not migrate, understands the schema.
    func expectReadable() throws(DatabaseError) {
        guard let found = try version(), found > 0 else {
            throw .unfit(.unreadable(path: name, "it does not contain a store yet; 'countersign serve' creates it"))
        }
        guard found >= plan.version else { throw .unfit(.older(path: name, found: found)) }
        try expectKnown(found)
    }

    /// Makes sure that a schema that was changed by a newer program still has what this one needs.
    private func expectKnown(_ found: Int) throws(DatabaseError) {
        guard found > plan.version else { return }
        let least = try connection.rows("select least_intake from @.store").first?.count(0) ?? found
        guard least <= plan.version else {
            throw .unfit(.newer(path: name, found: found, known: plan.version))
        }
    }

    /// Makes sure that the store is not one that a copy is being made in.
    func expectWhole() throws(DatabaseError) {
        let found = try connection.rows("select copying is null from @.store")
        guard found.first?.flag(0) == true else { throw .unfit(.incomplete(path: name)) }
    }

    /// Applies what is missing; `willUpgrade` is called before a store that holds something is changed.
    func migrate(within timeouts: Timeouts, willUpgrade: (StoreUpgrade) throws -> Void) throws {
        let found = try version() ?? 0
        try expectKnown(found)
        if found > 0, found < plan.version {
            let size = try connection.rows(
                "select coalesce(sum(pg_total_relation_size(oid)), 0)::int8 from pg_class "
                    + "where relnamespace = to_regnamespace(quote_ident($1::text)) and relkind = 'r'",
                [.verbatim(schema)]
            )
            let bytes = ByteSize(bytes: size.first?.integer(0) ?? 0)
            try willUpgrade(StoreUpgrade(from: found, to: plan.version, size: bytes))
        }
        for number in plan.migrations.indices where number >= found {
            try persistently(number) {
                switch plan.migrations[number].work {
                case .statements(let statements): try apply(statements, number)
                case .index(let name, let definition): try build(name, on: definition, number, timeouts)
                }
            }
        }
    }

    /// Tries again what others were in the way of.
    private func persistently(_ number: Int, _ work: () throws -> Void) throws {
        for attempt in 1... {
            do {
                return try work()
            } catch DatabaseError.refused(let code, _) where code == "55P03" || code == "57014" {
                guard attempt < Self.mostAttempts else {
                    throw DatabaseError.lost(
                        "migration \(number + 1) of the schema waits for tables that others use, or for another instance "
                            + "that migrates; end long transactions (see pg_stat_activity)"
                    )
                }
                Thread.sleep(forTimeInterval: Double.random(in: 0.05...0.5))
            }
        }
    }

    /// Begins a migration; false where another instance has made it meanwhile.
    private func begin(_ number: Int) throws -> Bool {
        let lock = "select pg_advisory_xact_lock(\(StoreLocks.migrations), hashtext($1::text))"
        _ = try connection.execute([
            .begin, Statement("set local lock_timeout = '2s'"), Statement("set local statement_timeout = '30s'"),
            Statement(lock, [.verbatim(schema)]),
        ])
        guard try (version() ?? 0) == number else {
            _ = try connection.execute([.commit])
            return false
        }
        try plan.reaching(number + 1, .locked)
        return true
    }

    private func apply(_ statements: [String], _ number: Int) throws {
        guard try begin(number) else { return }
        // Each is prepared when the one before it has made what it names.
        for statement in (number == 0 ? try beginnings() : []) + statements {
            _ = try connection.execute([Statement(statement)])
        }
        if number == 0 {
            let identity = (0..<8).flatMap { _ in UInt8.random(in: 0...255).hexDigits }
            _ = try connection.rows("insert into @.store (id, identity) values (1, $1::text)", [.bytes(identity)])
        }
        try plan.reaching(number + 1, .changed)
        try record(number)
    }

    /// What comes before the tables of the first migration.
    private func beginnings() throws(DatabaseError) -> [String] {
        let isMissing = try connection
            .rows("select to_regnamespace(quote_ident($1::text)) is null", [.verbatim(schema)])
            .first?
            .flag(0)
        let schema = "create schema if not exists \"\(schema.replacing("\"", with: "\"\""))\""
        return (isMissing == true ? [schema] : []) + [
            "create table @.migrations (number int primary key, applied_at timestamptz not null default now())"
        ]
    }

    /// Builds an index over a connection of its own, while this one holds the lock in a transaction that does nothing.
    private func build(_ index: String, on definition: String, _ number: Int, _ timeouts: Timeouts) throws {
        guard try begin(number) else { return }
        // The last query of a transaction keeps its snapshot until another statement comes, and the index waits for all that
        // have one.
        _ = try connection.execute([Statement("set local lock_timeout = '2s'")])
        let builder = Connection(connection.options, for: .migrating, within: timeouts.index) { _ in }
        defer { builder.drop() }
        try builder.connect()
        let found = try builder.rows(
            "select indisvalid from pg_index where indexrelid = to_regclass(quote_ident($1::text) || '.' || quote_ident($2::text))",
            [.verbatim(schema), .verbatim(index)]
        )
        let isValid = found.first?.flag(0)
        // An attempt that was broken off leaves one that nobody reads.
        if isValid == false { _ = try builder.rows("drop index concurrently @.\(index)") }
        if isValid != true { _ = try builder.rows("create index concurrently \(index) on \(definition)") }
        try plan.reaching(number + 1, .changed)
        try record(number)
    }

    /// Writes down that a migration was made, and commits.
    private func record(_ number: Int) throws {
        let migration = plan.migrations[number]
        _ = try connection.execute([
            Statement("insert into @.migrations (number) values ($1::int8)", [.integer(number + 1)]),
            Statement(
                """
                update @.store set least_program = greatest(least_program, $1::int8),
                    least_intake = greatest(least_intake, $2::int8)
                """,
                [.integer(migration.leastProgram), .integer(migration.leastIntake)]
            ),
        ])
        try plan.reaching(number + 1, .recorded)
        _ = try connection.execute([.commit])
    }
}
