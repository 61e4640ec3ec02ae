import CountersignStore
import Foundation
import Synchronization

/// The right to write a store: an advisory lock on the file `<store>.lock`, and one on the store itself, which an owner
/// that comes by another name of the file meets.
///
/// Both end with the process at the latest.
final class StoreLock: Sendable {
    private let descriptors: Mutex<[CInt]>

    /// - Throws: `StoreError.inUse` when another owner lives, `StoreError.noAccess` when the file cannot be made.
    init(store path: String) throws {
        let file = open(path + ".lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else {
            throw StoreError.noAccess(FileRefusal(to: "open", path + ".lock", errno))
        }
        Self.leave(file, toOwnerOf: path)
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            Foundation.close(file)
            throw StoreError.inUse(path: path)
        }
        descriptors = Mutex([file])
    }

    /// Locks the store's file, which is there by now.
    ///
    /// The descriptor lives as long as the lock, and that is longer than SQLite's: closing it earlier would take away the
    /// locks (fcntl) that SQLite holds on the file in this process.
    ///
    /// - Throws: `StoreError.inUse`, `StoreError.noAccess`.
    func takeFile(_ path: String) throws {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw StoreError.noAccess(FileRefusal(to: "open", path, errno)) }
        descriptors.withLock { $0.append(file) }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else { throw StoreError.inUse(path: path) }
    }

    /// Has the lock belong to whom the store belongs to, where root makes it; else the server could not open it.
    private static func leave(_ file: CInt, toOwnerOf path: String) {
        var status = stat()
        guard geteuid() == 0, stat(path, &status) == 0, status.st_uid != 0 else { return }
        _ = fchown(file, status.st_uid, status.st_gid)
    }

    deinit { unlock() }

    /// Lets the next owner in; the file stays, because removing it would let two owners lock two files.
    func unlock() {
        let files = descriptors.withLock { files in
            defer { files = [] }
            return files
        }
        for file in files.reversed() {
            // A program that is just being started has a copy of every open file, for a moment; closing ours alone would
            // leave the lock to it.
            flock(file, LOCK_UN)
            Foundation.close(file)
        }
    }
}
