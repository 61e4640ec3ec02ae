import Foundation
import Synchronization

/// The right to write a store: an advisory lock on the file `<store>.lock`, which ends with the process at the latest.
final class StoreLock: Sendable {
    private let descriptor: Mutex<CInt?>

    /// - Throws: `StoreError.inUse` when another owner lives, `StoreError.cannotWrite` when the file cannot be made.
    init(store path: String) throws {
        let file = open(path + ".lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else {
            throw StoreError.cannotWrite("cannot open '\(path).lock': \(String(cString: strerror(errno)))")
        }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            Foundation.close(file)
            throw StoreError.inUse(path: path)
        }
        descriptor = Mutex(file)
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
