import CountersignCore
import CountersignStore
import Foundation

/// Brings the schema up to date, one instance at a time.
struct Migrator {
    let connection: Connection

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
    func expectCurrent() throws(DatabaseError) {
        switch try version() {
        case Migrations.all.count?: break
        case nil:
            throw .unfit(.unreadable(path: name, "it does not contain a store yet; 'countersign serve' creates it"))
        case let found?:
            throw .unfit(
                found < Migrations.all.count
                    ? .older(path: name, found: found)
                    : .newer(path: name, found: found, known: Migrations.all.count)
            )
        }
    }

    /// Makes sure that the store is not one that a copy is being made in.
    func expectWhole() throws(DatabaseError) {
        let found = try connection.rows("select copying is null from @.store")
        guard found.first?.flag(0) == true else { throw .unfit(.incomplete(path: name)) }
    }

    /// Applies what is missing; `willUpgrade` is called before a store that holds something is changed.
    func migrate(willUpgrade: (StoreUpgrade) throws -> Void) throws {
        let found = try version() ?? 0
        guard found <= Migrations.all.count else {
            throw StoreError.newer(path: name, found: found, known: Migrations.all.count)
        }
        if found > 0, found < Migrations.all.count {
            let size = try connection.rows(
                "select coalesce(sum(pg_total_relation_size(oid)), 0)::int8 from pg_class "
                    + "where relnamespace = to_regnamespace(quote_ident($1::text)) and relkind = 'r'",
                [.verbatim(schema)]
            )
            let bytes = ByteSize(bytes: size.first?.integer(0) ?? 0)
            try willUpgrade(StoreUpgrade(from: found, to: Migrations.all.count, size: bytes))
        }
        for number in Migrations.all.indices where number >= found { try apply(number) }
    }

    /// Applies one migration, unless another instance has done so meanwhile.
    private func apply(_ number: Int) throws(DatabaseError) {
        let lock = "select pg_advisory_xact_lock(\(StoreLocks.migrations), hashtext($1::text))"
        _ = try connection.execute([
            .begin, Statement("set local lock_timeout = '10s'"), Statement(lock, [.verbatim(schema)]),
        ])
        guard try (version() ?? 0) == number else {
            _ = try connection.execute([.commit])
            return
        }
        var statements: [Statement] = []
        if number == 0 {
            let create = "create schema if not exists \"\(schema.replacing("\"", with: "\"\""))\""
            if try connection.rows("select to_regnamespace(quote_ident($1::text)) is null", [.verbatim(schema)]).first?
                .flag(0) == true
            {
                statements.append(Statement(create))
            }
            statements.append(
                Statement(
                    "create table @.migrations (number int primary key, applied_at timestamptz not null default now())"
                )
            )
        }
        // Each is prepared when the one before it has made what it names.
        for statement in statements + Migrations.all[number].map({ Statement($0) }) {
            _ = try connection.execute([statement])
        }
        if number == 0 {
            let identity = (0..<8).flatMap { _ in UInt8.random(in: 0...255).hexDigits }
            _ = try connection.rows("insert into @.store (id, identity) values (1, $1::text)", [.bytes(identity)])
        }
        _ = try connection.execute([
            Statement("insert into @.migrations (number) values ($1::int8)", [.integer(number + 1)]), .commit,
        ])
    }
}
