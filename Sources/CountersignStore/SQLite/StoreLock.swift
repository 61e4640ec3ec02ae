import Foundation
import Synchronization

/// The right to write a store: an advisory lock on the file `<store>.lock`, which ends with the process at the latest.
final class StoreLock: Sendable {
    private let descriptor: Mutex<CInt?>

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
        descriptor = Mutex(file)
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
        guard let file = descriptor.withLock({ $0.take() }) else { return }
        // A program that is just being started has a copy of every open file, for a moment; closing ours alone would leave
        // the lock to it.
        flock(file, LOCK_UN)
        Foundation.close(file)
    }
}
