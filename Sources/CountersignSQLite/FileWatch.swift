import CountersignStore
import Foundation

/// Notices that the files of an open store are gone from their place, where what is written would be lost.
struct FileWatch: Sendable {
    private struct Identity: Equatable {
        let device: dev_t
        let inode: ino_t

        init?(_ path: String) {
            var status = stat()
            guard stat(path, &status) == 0 else { return nil }
            (device, inode) = (status.st_dev, status.st_ino)
        }
    }

    private let files: [(path: String, identity: Identity?)]

    /// Remembers the store's file and its log as they are now, which are those that are open.
    init(store path: String) {
        files = [path, path + "-wal"].map { ($0, Identity($0)) }
    }

    /// - Throws: `StoreError.cannotWrite` when a path names no file any more, or another one.
    func confirm() throws {
        for file in files where file.identity == nil || Identity(file.path) != file.identity {
            throw StoreError.cannotWrite(
                "'\(file.path)' was removed, moved or replaced while the store was open; put it back, "
                    + "or start the program again"
            )
        }
    }
}
