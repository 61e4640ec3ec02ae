import CountersignStore
import Foundation
import GRDB
import GRDBSQLite

/// The only connection that writes and checkpoints, on a queue of its own.
///
/// Two connections that write or checkpoint at one instant can corrupt a write-ahead log (SQLite before 3.51.3).
final class WriterConnection: Sendable {
    private let queue: DatabaseQueue
    private let gauge: LogGauge

    init(path: String, willUpgrade: (StoreUpgrade) throws -> Void) throws {
        var configuration = Configuration()
        configuration.label = "countersign.store.writer"
        configuration.busyMode = .timeout(5)
        queue = try DatabaseQueue(path: path, configuration: configuration)
        gauge = LogGauge()
        try queue.writeWithoutTransaction { [gauge] db in
            try Self.prepare(db)
            try Schema.active.migrate(db, path: path, willUpgrade: willUpgrade)
            try Self.expect(db, "foreign_keys", "1")
            gauge.watch(db)
        }
    }

    /// How many pages of the write-ahead log the last commit left in use.
    ///
    /// Ask on the queue only.
    var logPages: Int { gauge.pages }

    /// Whether the write-ahead log is long enough to be moved into the main file.
    ///
    /// 16,000 pages are 64 MiB; SQLite's own 1,000 would nearly halve the throughput. Ask on the queue only.
    var isLogLong: Bool { logPages >= 16_000 }

    /// Does `body` after everything that was asked before.
    func perform(_ body: @escaping @Sendable (Database) -> Void) {
        queue.asyncWriteWithoutTransaction(body)
    }

    /// SQLite's settings as it gives them back, by name.
    static func readBack(_ db: Database) throws -> [(name: String, value: String)] {
        let names = [
            "journal_mode", "synchronous", "foreign_keys", "wal_autocheckpoint", "journal_size_limit", "cache_size",
            "page_size", "page_count", "freelist_count", "user_version",
        ]
        return try names.map { name in
            let value = try DatabaseValue.fetchOne(db, sql: "PRAGMA \(name)")?.storage.value
            return (name, value.map { "\($0)" } ?? "nothing")
        }
    }

    func close() throws {
        try queue.close()
    }

    /// Settles what durability rests on, and reads it back: a setting that did not take is silent in SQLite.
    private static func prepare(_ db: Database) throws {
        try db.execute(
            sql: """
                PRAGMA journal_mode = WAL;
                PRAGMA synchronous = FULL;
                PRAGMA foreign_keys = ON;
                PRAGMA wal_autocheckpoint = 0;
                PRAGMA journal_size_limit = 134217728;
                PRAGMA cache_size = -16000;
                """
        )
        #if MUTANTS
        if Mutant.chosen == .noSync { return try db.execute(sql: "PRAGMA synchronous = NORMAL") }
        #endif
        try expect(db, "journal_mode", "wal")
        try expect(db, "synchronous", "2")
    }

    private static func expect(_ db: Database, _ pragma: String, _ wanted: String) throws {
        let found = try DatabaseValue.fetchOne(db, sql: "PRAGMA \(pragma)")?.storage.value
        let text = found.map { "\($0)" } ?? "nothing"
        guard text == wanted else {
            throw StoreError.notDurable("SQLite's setting \(pragma) is \(text) instead of \(wanted)")
        }
    }
}

/// Reads how long the write-ahead log is after each commit.
///
/// Unchecked: SQLite writes the number on the connection's serial queue, and it is read there only.
private final class LogGauge: @unchecked Sendable {
    private let length: UnsafeMutablePointer<CInt>

    init() {
        length = .allocate(capacity: 1)
        length.initialize(to: 0)
    }

    deinit { length.deallocate() }

    var pages: Int { Int(length.pointee) }

    func watch(_ db: Database) {
        sqlite3_wal_hook(
            db.sqliteConnection,
            { length, _, _, pages in
                length?.assumingMemoryBound(to: CInt.self).pointee = pages
                return SQLITE_OK
            },
            length
        )
    }
}
