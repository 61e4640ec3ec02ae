import CountersignStore
import Foundation
import GRDB

/// A store's file that is read to be copied, and locked so that no server starts on it meanwhile.
final class CopySource: StoreSource {
    let name: String
    private let lock: StoreLock
    private let archive: SQLiteArchive

    /// - Throws: `StoreError.inUse` where a server runs on it.
    init(path: String) throws {
        let path = StorePath.resolved(path)
        name = path
        // Before the lock, which would leave a file beside what is none.
        archive = try SQLiteArchive.open(path: path)
        lock = try StoreLock(store: path)
        try lock.takeFile(path)
    }

    /// The lock sees to it.
    func expectStopped() async throws {}

    func header() async throws -> StoreHeader { try await archive.read { try StoreHeader(in: $0) } }

    func count(of table: StoreTable) async throws -> Int {
        try await archive.read { try CopiedTable(table).count(in: $0) }
    }

    func page(of table: StoreTable, after key: StoreValue?) async throws -> [StoreRow] {
        do {
            return try await archive.read { try CopiedTable(table).page(after: key, in: $0) }
        } catch let damage as RowDamage {
            throw StoreError.unreadable(path: name, "\(damage.description); see 'countersign store check'")
        }
    }

    func close() async {
        try? archive.close()
        lock.unlock()
    }
}

extension StoreHeader {
    /// What the file is beside its rows.
    init(in db: Database) throws {
        var highest: [StoreTable: Int64] = [:]
        for table in StoreTable.allCases where table.isNumbered {
            highest[table] = try CopiedTable(table).lastKey(in: db)?.integer ?? 0
        }
        // The number of a run is never given twice, whatever was removed.
        let given = try Int64.fetchOne(db, sql: "SELECT seq FROM sqlite_sequence WHERE name = 'runs'") ?? 0
        highest[.runs] = max(highest[.runs] ?? 0, given)
        self.init(
            identity: try String.fetchOne(db, sql: "SELECT identity FROM store") ?? "",
            // As a server that starts on it takes it.
            knowsPolls: try Bool.fetchOne(db, sql: "SELECT EXISTS (SELECT 1 FROM key_values)") ?? false,
            highest: highest
        )
    }
}
