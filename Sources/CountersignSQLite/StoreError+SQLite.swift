import CountersignStore
import GRDB

extension StoreError {
    /// What SQLite's result on a write means for who asked; never holds contents of rows.
    init(writing error: DatabaseError, path: String) {
        switch error.resultCode {
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: self = .init(opening: error, path: path)
        case .SQLITE_FULL: self = .cannotWrite("no space is left for '\(path)'")
        case .SQLITE_BUSY, .SQLITE_LOCKED: self = .cannotWrite("another program has locked '\(path)'")
        case .SQLITE_READONLY: self = .cannotWrite("'\(path)' is read-only")
        case .SQLITE_CANTOPEN: self = .cannotWrite("'\(path)' or a file beside it cannot be opened")
        case .SQLITE_IOERR:
            self = .cannotWrite(
                "reading or writing '\(path)' failed (SQLite error \(error.extendedResultCode.rawValue))"
            )
        default: self = .cannotWrite("SQLite refused: \(error.message ?? "no reason given")")
        }
    }

    /// What SQLite's result on opening or reading a file means for who asked.
    init(opening error: DatabaseError, path: String) {
        let reason =
            switch error.resultCode {
            case .SQLITE_NOTADB: "it is not an SQLite database"
            case .SQLITE_CORRUPT: "it is damaged; keep a copy and restore a backup"
            case .SQLITE_CANTOPEN: "the file, or a file beside it, cannot be opened" + Self.hint(onOwnerOf: path)
            case .SQLITE_BUSY: "another program has locked it"
            default: "SQLite says: \(error.message ?? "no reason given")"
            }
        self = .unreadable(path: path, reason)
    }

    /// As whom to try, where the store belongs to another user.
    private static func hint(onOwnerOf path: String) -> String {
        FileRefusal.owner(of: path).map { "; it belongs to the user '\($0)': do this as that user (sudo -u \($0) …)" }
            ?? ""
    }
}

extension DatabaseError {
    /// Whether bytes may be lost that the operating system has accepted.
    ///
    /// The kernel reports a failed sync once and then takes the lost pages for clean, so trying again proves nothing.
    var isFailedSync: Bool {
        extendedResultCode == .SQLITE_IOERR_FSYNC || extendedResultCode == .SQLITE_IOERR_DIR_FSYNC
    }

    /// Whether the fault may lie in one operation, so that its companions may succeed without it.
    var mayConcernOneOperation: Bool {
        switch resultCode {
        case .SQLITE_IOERR, .SQLITE_BUSY, .SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_CORRUPT, .SQLITE_NOTADB: false
        default: true
        }
    }
}
