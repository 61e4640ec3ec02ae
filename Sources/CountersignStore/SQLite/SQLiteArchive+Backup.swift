import Foundation
import GRDB
import Glibc

extension SQLiteArchive {
    /// Copies the store, as it is at one moment, into a new file that only the owner may read; a running server goes on.
    ///
    /// The file is there under its name only once it is whole, checked and on disk.
    ///
    /// - Throws: `StoreError`.
    package func back(upTo target: String) async throws {
        let draft = target + ".incomplete"
        do {
            try? FileManager.default.removeItem(atPath: draft)
            guard FileManager.default.createFile(atPath: draft, contents: nil, attributes: [.posixPermissions: 0o600])
            else {
                throw StoreError.cannotWrite("the file '\(draft)' cannot be made (\(String(cString: strerror(errno))))")
            }
            try await copy(into: draft)
            try Self.sync(draft)
            guard rename(draft, target) == 0 else {
                throw StoreError.cannotWrite("'\(target)' cannot be written (\(String(cString: strerror(errno))))")
            }
            try Self.sync(URL(fileURLWithPath: target).deletingLastPathComponent().path)
        } catch {
            try? FileManager.default.removeItem(atPath: draft)
            throw error
        }
    }

    private func copy(into draft: String) async throws {
        do {
            let copy = try DatabaseQueue(path: draft)
            try readers.backup(to: copy)
            // A log beside it would be a second file to carry along.
            try await copy.writeWithoutTransaction { db in
                try db.execute(sql: "PRAGMA journal_mode = DELETE")
                let findings = try String.fetchAll(db, sql: "PRAGMA integrity_check(3)")
                guard findings == ["ok"] else {
                    let reason = "the copy is damaged as the store is: \(findings.joined(separator: "; "))"
                    throw StoreError.unreadable(path: draft, reason)
                }
            }
            try copy.close()
        } catch let error as DatabaseError {
            throw StoreError(writing: error, path: draft)
        }
    }

    private static func sync(_ path: String) throws {
        let file = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw StoreError.cannotWrite("'\(path)' cannot be opened to sync it") }
        defer { Glibc.close(file) }
        guard fsync(file) == 0 else {
            throw StoreError.cannotWrite("'\(path)' cannot be synced (\(String(cString: strerror(errno))))")
        }
    }
}
