import CountersignStore
import Foundation
import Synchronization

extension CopyEnd: StoreTarget {
    var adviceToEmpty: String {
        "name a database without a store, or another 'postgresql.schema', or remove what is there: "
            + "drop schema \"\(options.schema)\" cascade"
    }

    func contents() async throws -> TargetContents {
        try await perform { connection in
            let rows = try connection.rows("select identity, copying is null from @.store")
            let identity = rows.first?.verbatim(0) ?? ""
            guard rows.first?.flag(1) == true else { return .incomplete(of: identity) }
            return try connection.isEmpty ? .empty : .whole(identity)
        }
    }

    /// The identity changes as well: an instance that was started meanwhile finds another store.
    func begin(_ identity: String) async throws {
        let copy = UUID().uuidString
        let name = name
        try await change { connection in
            _ = try connection.rows("select 1 from @.store for update")
            try connection.expectNoInstance(of: name)
            _ = try connection.rows(
                "update @.store set identity = $1::text, copying = $2::text",
                [.verbatim(identity), .verbatim(copy)]
            )
            return true
        }
        token.withLock { $0 = copy }
    }

    func lastKey(of table: StoreTable) async throws -> StoreValue? {
        let copied = CopiedTable(table)
        return try await perform { connection in
            let value = try connection.execute([copied.lastKey])[0].first
                .map { copied.value(of: table.key, in: $0, at: 0) }
            return value == .null ? nil : value
        }
    }

    func write(_ rows: [StoreRow], to table: StoreTable) async throws {
        guard let last = rows.last?.key else { return }
        let copied = CopiedTable(table)
        let (name, copy) = (name, token.withLock { $0 })
        try await change { connection in
            try connection.expectCopy(copy, of: name)
            // A commit whose answer was lost may have come about.
            guard try !table.isNumbered || connection.execute([copied.holds(last)])[0].first?.flag(0) != true else {
                return false
            }
            let stream = connection.stream?.id ?? 0
            _ = try connection.execute([copied.insertion(of: rows, stream: stream)])
            return true
        }
    }

    func clear() async throws {
        let tables = StoreTable.allCases.flatMap { CopiedTable($0).copiedColumns.keys }.map { "@.\($0)" }
        let (name, copy) = (name, token.withLock { $0 })
        try await change { connection in
            try connection.expectCopy(copy, of: name)
            _ = try connection.rows("truncate \(tables.joined(separator: ", "))")
            return true
        }
    }

    func finish(_ header: StoreHeader) async throws {
        let (identity, name, copy) = (header.identity, name, token.withLock { $0 })
        try await change { connection in
            // A commit whose answer was lost may have come about.
            if try connection.isWhole(identity) { return false }
            try connection.expectCopy(copy, of: name)
            for (table, highest) in header.highest where highest > 0 {
                try connection.goOn(behind: highest, in: table)
            }
            _ = try connection.execute([
                Statement(
                    "update @.store set knows_polls = knows_polls or $1::bool, copying = null",
                    [.flag(header.knowsPolls)]
                ),
                // So that the first instance that comes evaluates the events that wait.
                Statement("update @.streams set closed_at = clock_timestamp() where closed_at is null"),
            ])
            return true
        }
        // Not a part of the copy: it spares the first minutes bad plans, and the database does it by itself later.
        _ = try? await perform { connection in
            for table in StoreTable.allCases.flatMap({ CopiedTable($0).copiedColumns.keys }) {
                _ = try connection.rows("analyze @.\(table)")
            }
        }
    }

    /// Changes something in a transaction of its own; `body` says whether there was anything to change.
    private func change(_ body: @escaping @Sendable (Connection) throws -> Bool) async throws {
        try await perform { connection in
            _ = try connection.execute([.begin])
            do {
                guard try body(connection) else {
                    _ = try connection.execute([.rollback])
                    return
                }
            } catch let error as StoreCopyError {
                _ = try connection.execute([.rollback])
                throw error
            }
            _ = try connection.execute([.commit])
            try connection.confirmCommit()
        }
    }
}

extension Connection {
    /// Whether no table that is copied has a row.
    fileprivate var isEmpty: Bool {
        get throws(DatabaseError) {
            let looks = StoreTable.allCases.map { "exists (select 1 from @.\($0.rawValue))" }
            return try rows("select \(looks.joined(separator: " or "))").first?.flag(0) == false
        }
    }

    /// Keeps others from beginning a copy until the transaction ends.
    ///
    /// - Throws: `StoreCopyError.overtaken` where another one was begun.
    fileprivate func expectCopy(_ copy: String?, of store: String) throws {
        let found = try rows(
            "select 1 from @.store where copying = $1::text for update",
            [.verbatim(copy)]
        )
        guard found.count == 1 else { throw StoreCopyError.overtaken(store: store) }
    }

    /// Whether the store of this identity can be used.
    fileprivate func isWhole(_ identity: String) throws(DatabaseError) -> Bool {
        let row = try rows("select identity, copying is null from @.store").first
        return row?.verbatim(0) == identity && row?.flag(1) == true
    }

    /// Has the next number of a table be one that is higher than `number`.
    fileprivate func goOn(behind number: Int64, in table: StoreTable) throws(DatabaseError) {
        guard let sequence = CopiedTable(table).sequence else { return }
        _ = try rows("select setval('@.\(sequence)', $1::int8, false)", [.integer(number + 1)])
    }
}
