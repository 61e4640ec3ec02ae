package import CountersignCore

/// Why the spool did not do what it was asked.
package enum SpoolError: Error, Equatable {
    /// There is no room for a further callback.
    case full(path: String, ByteSize)
    /// The disk failed to sync; nothing more is written to the spool until the program is started again.
    case ended(path: String)
    /// The system refused to read or write it.
    case failed(verb: String, path: String, String)
    /// The system does not let this process make or open the file.
    case noAccess(FileRefusal)
    /// There is no file.
    case missing(path: String)
    /// Another process has it.
    case inUse(path: String)
    /// It holds callbacks, and must not.
    case occupied(path: String, events: Int)
    /// It would lie on a file system that forgets.
    case volatile(path: String, fileSystem: String)
    /// The file is no spool, or is damaged.
    case unreadable(path: String, String)
    /// A newer Countersign made it.
    case newer(path: String)
    /// It holds callbacks for another store.
    case otherStore(path: String, found: String, wanted: String, events: Int)
}

extension SpoolError: CustomStringConvertible {
    /// What happened, where, and what to do.
    package var description: String {
        switch self {
        case .full(let path, let size):
            "the spool '\(path)' is full (\(size)); bring the store back, and set a larger 'spool.size' for the next time"
        case .ended(let path):
            "the disk of the spool '\(path)' failed to sync, so nothing is spooled until the server is restarted"
        case .failed(let verb, let path, let reason):
            "cannot \(verb) the spool '\(path)': \(reason); repair the disk, or set another file as 'spool.path'"
        case .noAccess(let refusal): "the spool cannot be opened: \(refusal)"
        case .missing(let path): "there is no spool at '\(path)'; 'countersign serve' creates it"
        case .inUse(let path):
            "the spool '\(path)' is in use by another countersign process; a running server drains it by itself"
        case .occupied(let path, let events):
            "the spool '\(path)' holds \(events == 1 ? "1 callback" : "\(events) callbacks") that the store does not have "
                + "yet; run 'countersign spool drain' first"
        case .volatile(let path, let fileSystem):
            "the spool '\(path)' would lie on \(fileSystem), which does not outlive the machine or the container; "
                + "set 'spool.path' to a file on a disk, or 'spool.allow_volatile: true'"
        case .unreadable(let path, let reason):
            "'\(path)' cannot be read as a spool: \(reason); it may hold acknowledged callbacks: keep a copy, "
                + "and move it away"
        case .newer(let path): "the spool '\(path)' was made by a newer Countersign; update the program"
        case .otherStore(let path, let found, let wanted, let events):
            "the spool '\(path)' holds \(events == 1 ? "1 callback" : "\(events) callbacks") for the store \(found), "
                + "and this store is \(wanted); set another file as 'spool.path', or use --adopt-spool to store them here"
        }
    }
}
