import CountersignStore
import Foundation
import GRDB
import GRDBSQLite

/// A statement that is prepared once, bound without a copy and stepped without GRDB's bookkeeping, which costs more than
/// the statement itself where there are many a millisecond.
///
/// What is bound must stay where it is until `reset`.
struct PreparedStatement {
    private let handle: OpaquePointer
    private let connection: OpaquePointer?

    init(_ sql: String, in db: Database) throws {
        handle = try db.cachedStatement(sql: sql).sqliteStatement
        connection = db.sqliteConnection
    }

    /// Binds bytes, or null, to the place that is counted from 1.
    func bind(_ bytes: UnsafeRawBufferPointer?, at place: CInt) {
        guard let bytes else {
            sqlite3_bind_null(handle, place)
            return
        }
        if let start = bytes.baseAddress {
            sqlite3_bind_blob64(handle, place, start, UInt64(bytes.count), nil)
        } else {
            sqlite3_bind_zeroblob(handle, place, 0)
        }
    }

    func bind(_ number: Int64?, at place: CInt) {
        if let number {
            sqlite3_bind_int64(handle, place, number)
        } else {
            sqlite3_bind_null(handle, place)
        }
    }

    /// Goes on to the next row; false at the end.
    func step() throws -> Bool {
        switch sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        case let code:
            let message = sqlite3_errmsg(connection).map { String(cString: $0) }
            throw DatabaseError(resultCode: ResultCode(rawValue: code), message: message)
        }
    }

    /// The number in a column of the current row, counted from 0.
    func number(at column: CInt) -> Int64 { sqlite3_column_int64(handle, column) }

    /// Lets go of the row and of all that is bound.
    func reset() {
        sqlite3_reset(handle)
        sqlite3_clear_bindings(handle)
    }
}
