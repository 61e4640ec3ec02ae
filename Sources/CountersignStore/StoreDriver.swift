/// A storage driver: opens the store at one address for those who serve it, change it, or only read it.
package protocol StoreDriver: Sendable {
    /// Whether there is a store already.
    var exists: Bool { get }

    /// Opens the store to be served or changed, and makes it when it is missing.
    ///
    /// `willUpgrade` is called before a store of an older version is upgraded; what it throws leaves the store as it is.
    ///
    /// - Throws: `StoreError`.
    /// - Returns: The store, which nobody else may change until it is closed.
    func open(willUpgrade: (StoreUpgrade) throws -> Void) throws -> any OwnedStore

    /// Opens the store to be read, whether a server runs on it or not.
    ///
    /// - Throws: `StoreError`.
    func reader() throws -> any ReadableStore

    /// Opens the store to be copied, while no server runs on it.
    ///
    /// - Throws: `StoreError`, such as `.inUse`.
    func source() throws -> any StoreSource

    /// Opens the store to be copied into, and makes it when it is missing.
    ///
    /// - Throws: `StoreError`, such as `.inUse`.
    func target() throws -> any StoreTarget

    /// What can be said of the store from outside: its size, its files.
    func facts() -> [StoreFact]
}

/// A store in the hands of the server, or of a command that changes it.
package protocol OwnedStore: Store, Prunable, InstanceDirectory {
    /// The counters of the writer.
    var statistics: WriteStatistics { get }

    /// What was acknowledged by an earlier process and is not here any more; nil where all is.
    var lostEvents: LostEvents? { get }

    /// Whether a newer program has upgraded the store, so that this one stores events and leaves them to others.
    var isOutdated: Bool { get }

    /// How the connection that writes is set, read back from it.
    ///
    /// - Throws: `StoreError`.
    func facts() async throws -> [StoreFact]
}

extension OwnedStore {
    /// False: one process has the store alone.
    package var isOutdated: Bool { false }
}

/// A store that is only read: listed, followed, checked and copied.
package protocol ReadableStore: Archive, TailingStore, CheckableStore, CopyableStore {}
