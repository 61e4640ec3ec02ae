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

    /// The size of the tables, or why the server cannot be asked.
    package func facts() -> [StoreFact] {
        let connection = connection
        defer { connection.drop() }
        do throws(DatabaseError) {
            try connection.connect()
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

    private var connection: Connection {
        Connection(options, for: .reading, within: Timeouts().read) { _ throws(DatabaseError) in }
    }
}
