import CountersignStore
import Foundation
import GRDB

/// A store's file that a copy is made in.
///
/// Its column `copying` names the copy until it is finished; nobody else opens the file before.
final class CopyTarget: StoreTarget {
    let name: String
    private let lock: StoreLock
    private let connection: WriterConnection
    private let writer: GroupCommit

    /// - Throws: `StoreError.inUse` where a server runs on it, and all that opening a store throws.
    init(path: String) throws {
        let path = StorePath.resolved(path)
        name = path
        let file = StoreFile(path: path)
        try file.expectOurs()
        try file.makeFolder()
        lock = try StoreLock(store: path)
        try file.makePrivate()
        try lock.takeFile(path)
        do {
            connection = try WriterConnection(path: path) { throw StoreError.older(path: path, found: $0.from) }
            try file.makePrivate()
        } catch let error as DatabaseError {
            throw StoreError(writing: error, path: path)
        }
        writer = GroupCommit(connection: connection, path: path)
    }

    var adviceToEmpty: String { "name a file that does not exist" }

    /// The lock sees to it.
    func expectStopped() async throws {}

    func header() async throws -> StoreHeader { try await writer.write { try StoreHeader(in: $0) } }

    func contents() async throws -> TargetContents {
        try await writer.write { db in
            let identity = try String.fetchOne(db, sql: "SELECT identity FROM store") ?? ""
            guard try String.fetchOne(db, sql: "SELECT copying FROM store") == nil else {
                return .incomplete(of: identity)
            }
            let isEmpty = try StoreTable.allCases.allSatisfy { try CopiedTable($0).lastKey(in: db) == nil }
            return isEmpty ? .empty : .whole(identity)
        }
    }

    func begin(_ identity: String) async throws {
        let copy = UUID().uuidString
        try await writer.write { try $0.change("UPDATE store SET identity = ?, copying = ?", [identity, copy]) }
    }

    func count(of table: StoreTable) async throws -> Int {
        try await writer.write { try CopiedTable(table).count(in: $0) }
    }

    func lastKey(of table: StoreTable) async throws -> StoreValue? {
        try await writer.write { try CopiedTable(table).lastKey(in: $0) }
    }

    func page(of table: StoreTable, after key: StoreValue?) async throws -> [StoreRow] {
        do {
            return try await writer.write { try CopiedTable(table).page(after: key, in: $0) }
        } catch let damage as RowDamage {
            throw StoreError.unreadable(path: name, damage.description)
        }
    }

    func write(_ rows: [StoreRow], to table: StoreTable) async throws {
        do {
            try await writer.write { try CopiedTable(table).insert(rows, in: $0) }
        } catch let damage as RowDamage {
            throw StoreCopyError.cannotHold(store: name, damage.description)
        }
    }

    func clear() async throws {
        try await writer.write { db in
            // Others refer to those that come before them.
            for table in StoreTable.allCases.reversed() {
                try db.change("DELETE FROM \(CopiedTable(table).name)", [])
            }
        }
    }

    func finish(_ header: StoreHeader) async throws {
        let position = AcknowledgedPosition(store: name, identity: header.identity)
        try await writer.write { db in
            if let run = header.highest[.runs], run > 0 {
                try db.change("DELETE FROM sqlite_sequence WHERE name = 'runs'", [])
                try db.change("INSERT INTO sqlite_sequence (name, seq) VALUES ('runs', ?)", [run])
            }
            try db.change("UPDATE store SET copying = NULL", [])
        }
        try await writer.write { position.note($0) }
    }

    func close() async {
        await writer.finish()
        try? connection.close()
        lock.unlock()
    }
}

/// What a copy knows of the file.
package enum StoreColumns {
    /// Every column that is copied, or that a copy has a reason to leave, by table.
    package static var known: [String: Set<String>] {
        var known: [String: Set<String>] = [
            // The identity is copied; the others say how this file is used.
            "store": ["id", "identity", "confirmations", "copying"],
            // A process that worked on the source, and does not work on the target.
            "singletons": ["lease_id", "process"],
            // Where files of the run are counts only among instances.
            "runs": ["home"],
        ]
        for table in StoreTable.allCases {
            known[CopiedTable(table).name, default: []].formUnion(CopiedTable(table).copiedColumns)
        }
        return known
    }
}
