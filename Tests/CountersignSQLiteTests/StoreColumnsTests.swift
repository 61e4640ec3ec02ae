import CountersignSQLite
import CountersignStore
import CountersignTesting
import Foundation
import GRDB
import Testing

@Suite struct StoreColumnsTests {
    @Test func `a copy knows every column of the file`() async throws {
        let folder = try TemporaryFolder()
        let store = try SQLiteStore.open(path: folder.path("countersign.db"))
        await store.close()
        let queue = try DatabaseQueue(path: folder.path("countersign.db"))
        let found = try await queue.read { db in
            let tables = try String.fetchAll(db, sql: "SELECT name FROM sqlite_schema WHERE type = 'table'")
            return try tables.filter { !$0.hasPrefix("sqlite_") }
                .flatMap { table in try db.columns(in: table).map { "\(table).\($0.name)" } }
        }
        let known = StoreColumns.known.flatMap { table, columns in columns.map { "\(table).\($0)" } }
        let unknown = Set(found).symmetricDifference(known)
        #expect(unknown.isEmpty, "add them to StoreTable, or to what a copy leaves and why: \(unknown.sorted())")
    }
}
