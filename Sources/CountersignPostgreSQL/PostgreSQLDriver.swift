import CountersignCore
package import CountersignStore
import Foundation

/// Stores in a database that several instances may share.
package struct PostgreSQLDriver: StoreDriver {
    private let options: ConnectionOptions
    private let instance: String

    /// A driver for the store at an address, which is used under the name `instance`.
    package init(_ options: ConnectionOptions, instance: String) {
        self.options = options
        self.instance = instance
    }

    /// Where the database cannot be reached, opening it says so.
    package var exists: Bool {
        let connection = connection
        defer { connection.drop() }
        do throws(DatabaseError) {
            try connection.connect()
            return try Migrator(connection: connection, plan: .published).version() != nil
        } catch {
            return true
        }
    }

    /// Opens the store for writing, and makes or upgrades it where needed; see `PostgreSQLStore.open`.
    package func open(willUpgrade: (StoreUpgrade) throws -> Void) throws -> any OwnedStore {
        try PostgreSQLStore.open(options, instance: instance, time: .server, willUpgrade: willUpgrade)
    }

    /// Opens the store for reading alone; see `PostgreSQLArchive.open`.
    package func reader() throws -> any ReadableStore { try PostgreSQLArchive.open(options) }

    /// Connects to the store, to read it while it is copied.
    package func source() throws -> any StoreSource { try CopyEnd.source(options) }

    /// Connects to the store, and makes its schema where it is missing.
    package func target() throws -> any StoreTarget { try CopyEnd.target(options) }

    /// The size of the tables, or why the server cannot be used; nothing where it can, and holds no store yet.
    package func facts() -> [StoreFact] {
        let connection = connection
        defer { connection.drop() }
        do throws(DatabaseError) {
            try connection.connect()
            try ServerSettings.read(over: connection, clock: DatabaseClock(.server)).check(for: .writing, options)
            guard try Migrator(connection: connection, plan: .published).version() != nil else {
                try expectRights(over: connection)
                return []
            }
            let bytes = try connection.rows(
                "select coalesce(sum(pg_total_relation_size(oid)), 0)::int8 from pg_class "
                    + "where relnamespace = to_regnamespace(quote_ident($1::text)) and relkind = 'r'",
                [.verbatim(options.schema)]
            )
            let size = ByteSize(bytes: bytes.first?.integer(0) ?? 0)
            return [StoreFact("store", .fine, "'\(options.name)', schema '\(options.schema)', \(size.rounded)")]
        } catch {
            return [StoreFact("store", .failure, "\(error.storeError(on: options.name))")]
        }
    }

    /// Makes sure that the role may make the tables.
    private func expectRights(over connection: Connection) throws(DatabaseError) {
        let found = try connection.rows(
            """
            select to_regnamespace(quote_ident($1::text)) is null, has_database_privilege(current_database(), 'create'),
                (
                    select has_schema_privilege(oid, 'create') and has_schema_privilege(oid, 'usage') from pg_namespace
                    where nspname = $1::text
                ), current_database()::text
            """,
            [.verbatim(options.schema)]
        )
        guard let row = found.first else { return }
        if row.flag(0), !row.flag(1) {
            throw .refused(code: "42501", message: "permission denied for database \(row.verbatim(3))")
        }
        if !row.flag(0), !row.flag(2) {
            throw .refused(code: "42501", message: "permission denied for schema \(options.schema)")
        }
    }

    private var connection: Connection {
        Connection(options, for: .reading, within: Timeouts().read) { _ throws(DatabaseError) in }
    }
}
