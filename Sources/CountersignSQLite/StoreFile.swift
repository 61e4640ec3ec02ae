import CountersignStore
import Foundation
import GRDB

/// The store's file as the file system sees it.
struct StoreFile {
    let path: String

    var exists: Bool { FileManager.default.fileExists(atPath: path) }

    /// How many names (hard links) the file has, 0 where there is none; the lock and the log lie beside one of them only.
    var nameCount: Int {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG ? Int(status.st_nlink) : 0
    }

    /// Refuses what is no store and may not become one, without touching it: only an empty or missing file may.
    ///
    /// - Throws: `StoreError.unreadable`, `StoreError.newer`.
    func expectOurs() throws {
        var status = stat()
        guard stat(path, &status) == 0, status.st_size > 0 || status.st_mode & S_IFMT != S_IFREG else { return }
        guard status.st_mode & S_IFMT == S_IFREG else {
            let kind = status.st_mode & S_IFMT == S_IFDIR ? "a folder" : "not a regular file"
            throw StoreError.unreadable(path: path, "it is \(kind)")
        }
        // SQLite takes a file of one byte for an empty one.
        guard status.st_size > 1 else { throw StoreError.unreadable(path: path, "it is not an SQLite database") }
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(5)
        do {
            let reader = try DatabaseQueue(path: path, configuration: configuration)
            defer { try? reader.close() }
            try reader.read { try Schema.active.expectOurs($0, path: path) }
        } catch let error as DatabaseError where error.resultCode == .SQLITE_NOTADB {
            throw StoreError(opening: error, path: path)
        } catch is DatabaseError {
            // A process that may only read cannot roll back what a crash left behind; the owner will see.
        }
    }

    /// Makes the folder when it is missing, for the owner's eyes only.
    func makeFolder() throws {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        do {
            try FileManager.default.createDirectory(
                atPath: folder,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
        } catch {
            let cause = (error as NSError).userInfo[NSUnderlyingErrorKey] as? any Error
            let code = cause.map { ($0 as NSError).code } ?? Int(EIO)
            throw StoreError.noAccess(FileRefusal(to: "make the folder", folder, CInt(code)))
        }
    }

    /// Makes an empty file when there is none, and takes every right from group and others.
    ///
    /// SQLite gives its side files the mode of the main file. The descriptor of a file that exists is never opened
    /// here: closing it would drop the locks that SQLite holds on it in this process.
    func makePrivate() throws {
        if !exists {
            let file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
            guard file >= 0 else { throw failure("make") }
            close(file)
            try syncFolder()
        }
        for path in [path, path + "-wal", path + "-shm"] where chmod(path, 0o600) != 0 && errno != ENOENT {
            throw failure("protect")
        }
    }

    /// Puts the file's name on stable storage; SQLite syncs the folder only for its side files.
    private func syncFolder() throws {
        let folder = open(URL(fileURLWithPath: path).deletingLastPathComponent().path, O_RDONLY | O_CLOEXEC)
        guard folder >= 0 else { throw failure("sync the folder of") }
        defer { close(folder) }
        guard fsync(folder) == 0 else { throw failure("sync the folder of") }
    }

    private func failure(_ verb: String) -> StoreError {
        .noAccess(FileRefusal(to: verb, path, errno))
    }
}
