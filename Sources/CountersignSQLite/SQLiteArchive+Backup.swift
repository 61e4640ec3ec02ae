import CountersignStore
import Foundation
import GRDB
import Glibc

extension SQLiteArchive {
    /// Copies the store, as it is at one moment, into a new file that only the owner may read; a running server goes on.
    ///
    /// The file is there under its name only once it is whole, checked and on disk. `progress` is called with how many pages are
    /// copied, and of how many.
    ///
    /// - Throws: `StoreError`.
    package func copy(
        to target: String,
        progress: @escaping @Sendable (_ done: Int, _ total: Int) -> Void
    ) async throws {
        let draft = target + ".incomplete"
        do {
            try? FileManager.default.removeItem(atPath: draft)
            guard FileManager.default.createFile(atPath: draft, contents: nil, attributes: [.posixPermissions: 0o600])
            else {
                throw StoreError.cannotCopy("\(FileRefusal(to: "make", draft, errno))")
            }
            try await copy(into: draft, progress)
            try Self.sync(draft)
            guard rename(draft, target) == 0 else {
                throw StoreError.cannotCopy("\(FileRefusal(to: "write", target, errno))")
            }
            try Self.sync(URL(fileURLWithPath: target).deletingLastPathComponent().path)
        } catch {
            try? FileManager.default.removeItem(atPath: draft)
            throw error
        }
    }

    /// How many pages are copied between two words on how far it is.
    private static let pagesAtATime: CInt = 2_000

    private func copy(into draft: String, _ progress: @escaping @Sendable (Int, Int) -> Void) async throws {
        do {
            let copy = try DatabaseQueue(path: draft)
            try copyPages(to: copy, progress)
            // A log beside it would be a second file to carry along.
            try await copy.writeWithoutTransaction { db in
                try db.execute(sql: "PRAGMA journal_mode = DELETE")
                let findings = try String.fetchAll(db, sql: "PRAGMA integrity_check(3)")
                guard findings == ["ok"] else {
                    let reason = "the backup is damaged because the store is: \(findings.joined(separator: "; "))"
                    throw StoreError.unreadable(path: draft, reason)
                }
            }
            try copy.close()
        } catch let error as DatabaseError {
            if case .cannotWrite(let reason) = StoreError(writing: error, path: draft) {
                throw StoreError.cannotCopy("\(reason); free disk space, or name a file elsewhere")
            }
            throw StoreError(writing: error, path: draft)
        }
    }

    private func copyPages(to copy: DatabaseQueue, _ progress: @escaping (Int, Int) -> Void) throws {
        try readers.read { db in
            // The first read fixes what all steps see: the server's commits between them do not begin the copy again.
            _ = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_schema")
            try copy.writeWithoutTransaction { target in
                try db.backup(to: target, pagesPerStep: Self.pagesAtATime) {
                    progress($0.completedPageCount, $0.totalPageCount)
                }
            }
        }
    }

    private static func sync(_ path: String) throws {
        let file = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw StoreError.cannotCopy("\(FileRefusal(to: "sync", path, errno))") }
        defer { Glibc.close(file) }
        guard fsync(file) == 0 else { throw StoreError.cannotCopy("\(FileRefusal(to: "sync", path, errno))") }
    }
}
