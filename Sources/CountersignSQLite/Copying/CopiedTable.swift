import CountersignCore
import CountersignStore
import Crypto
import Foundation
import GRDB

/// Where the rows of a copy are in this file.
struct CopiedTable {
    /// The bodies of a page have room in memory.
    private static let mostBytes = 4 << 20

    /// The most rows of a page.
    private static let mostRows = 1_000

    /// What other drivers have a column for, and this one has not.
    private static let missing: [StoreTable: Set<String>] = [:]

    /// What a copy leaves and must write all the same: the process that had the file, which none has any more.
    private static let constants: [StoreTable: [String: String]] = [.singletons: ["process": "''"]]

    /// The columns that are called otherwise here.
    private static let names: [StoreTable: [String: String]] = [
        .events: ["key": "deduplication_key", "slot": "deduplication_slot", "evaluated_at": "dispatched_at"],
        .runs: ["lease": "lease_id"],
    ]

    let table: StoreTable

    init(_ table: StoreTable) {
        self.table = table
    }

    var name: String { table == .replays ? "evaluations" : table.rawValue }

    /// The columns of the copy that there are here, each with its place among the values of a row.
    private var columns: [(column: StoreColumn, place: Int)] {
        table.columns.enumerated().filter { Self.missing[table]?.contains($1.name) != true }
            .map { (column: $1, place: $0) }
    }

    /// The column's name in the file.
    private func name(of column: StoreColumn) -> String { Self.names[table]?[column.name] ?? column.name }

    /// All columns of the file that are copied.
    var copiedColumns: Set<String> { Set(columns.map { name(of: $0.column) }) }

    func count(in db: Database) throws -> Int {
        try Int.fetchOne(db, sql: "SELECT count(*) FROM \(name)") ?? 0
    }

    /// The key of the last row.
    func lastKey(in db: Database) throws -> StoreValue? {
        let key = name(of: table.key)
        let row = try Row.fetchOne(db, sql: "SELECT \(expression(table.key)) FROM \(name) ORDER BY \(key) DESC LIMIT 1")
        guard let row else { return nil }
        return try value(of: table.key, in: row, at: 0)
    }

    /// The rows behind a key.
    ///
    /// - Throws: `RowDamage` where a column is not as the schema says.
    func page(after key: StoreValue?, in db: Database) throws -> [StoreRow] {
        let order = name(of: table.key)
        let list = columns.map { expression($0.column) }.joined(separator: ", ")
        let place = table.key.kind == .integer ? "?" : "CAST(? AS TEXT)"
        let condition = key == nil ? "" : "WHERE \(order) > \(place)"
        let sql = "SELECT \(list) FROM \(name) \(condition) ORDER BY \(order) LIMIT \(Self.mostRows)"
        let arguments = StatementArguments(key.map { [Self.databaseValue($0)] } ?? [])
        let cursor = try Row.fetchCursor(db.cachedStatement(sql: sql), arguments: arguments)
        var (rows, bytes): ([StoreRow], Int) = ([], 0)
        while bytes < Self.mostBytes, let row = try cursor.next() {
            let copied = try self.row(row)
            bytes += copied.values.reduce(0) { $0 + ($1.bytes?.count ?? 0) }
            rows.append(copied)
        }
        return rows
    }

    /// Texts as bytes: else they would end at their first NUL.
    private func expression(_ column: StoreColumn) -> String {
        switch column.kind {
        case .text, .json, .origin, .runState, .stepStatus: "CAST(\(name(of: column)) AS BLOB)"
        case .integer, .flag, .time, .bytes: name(of: column)
        }
    }

    private func row(_ row: Row) throws -> StoreRow {
        var values = [StoreValue](repeating: .text([]), count: table.columns.count)
        for (index, (column, place)) in columns.enumerated() {
            values[place] = try value(of: column, in: row, at: index)
        }
        if table == .events, let hash = table.place(of: "body_hash"), let body = table.place(of: "body"),
            values[hash] == .null
        {
            values[hash] = .bytes(Array(SHA256.hash(data: values[body].bytes ?? [])))
        }
        return StoreRow(values)
    }

    private func value(of column: StoreColumn, in row: Row, at index: Int) throws -> StoreValue {
        var reader = CountersignSQLite.RowReader(row)
        let words = column.name.replacing("_", with: " ")
        let value: StoreValue =
            switch column.kind {
            case .integer, .flag: reader.optionalInteger(index, words).map { .integer($0) } ?? .null
            case .time: reader.optionalInteger(index, words).map { .time($0) } ?? .null
            case .bytes: reader.optionalBytes(index, words).map { .bytes($0) } ?? .null
            case .text, .json, .origin, .runState, .stepStatus:
                reader.optionalBytes(index, words).map { .text($0) } ?? .null
            }
        if let fault = reader.fault {
            let key = row.number(at: 0).map { "\($0)" } ?? row.text(at: 0) ?? "?"
            throw RowDamage(description: "row \(key) of \(name) is damaged: \(fault)")
        }
        return value
    }
}

/// A row that cannot be copied, as a part of a sentence.
struct RowDamage: Error {
    let description: String
}

/// Writing.
extension CopiedTable {
    /// Inserts rows with the numbers that they have.
    ///
    /// - Throws: `RowDamage` where a row holds what there is no column for.
    func insert(_ rows: [StoreRow], in db: Database) throws {
        for name in Self.missing[table] ?? [] {
            guard let place = table.place(of: name), let row = rows.first(where: { $0.values[place] != .text([]) })
            else { continue }
            throw RowDamage(description: "the \(name) '\(row.values[place])' of row \(row.key) of \(table.rawValue)")
        }
        let constants = Self.constants[table] ?? [:]
        let names = columns.map { name(of: $0.column) } + constants.keys
        let places = columns.map { column, _ in
            switch column.kind {
            case .text, .json, .origin, .runState, .stepStatus: "CAST(? AS TEXT)"
            case .integer, .flag, .time, .bytes: "?"
            }
        }
        let statement = try db.cachedStatement(
            sql: """
                INSERT \(table.isNumbered ? "" : "OR IGNORE") INTO \(name) (\(names.joined(separator: ", ")))
                VALUES (\((places + constants.values).joined(separator: ", ")))
                """
        )
        for row in rows {
            try statement.execute(
                arguments: StatementArguments(columns.map { Self.databaseValue(row.values[$0.place]) })
            )
        }
    }

    private static func databaseValue(_ value: StoreValue) -> DatabaseValue {
        switch value {
        case .null: .null
        case .integer(let number): number.databaseValue
        case .text(let bytes), .bytes(let bytes): Data(bytes).databaseValue
        }
    }
}
