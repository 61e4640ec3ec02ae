/// A store that was stopped and is read to be copied; nothing of it is changed.
package protocol StoreSource: Sendable {
    /// The store for sentences, without secrets.
    var name: String { get }

    /// Makes sure that no server works on the store.
    ///
    /// - Throws: `StoreCopyError.running`, `StoreError`.
    func expectStopped() async throws

    /// What the store is beside its rows.
    ///
    /// - Throws: `StoreError`.
    func header() async throws -> StoreHeader

    /// How many rows a table has.
    ///
    /// - Throws: `StoreError`.
    func count(of table: StoreTable) async throws -> Int

    /// The rows behind the one with this key, as many as fit into a page; none at the end.
    ///
    /// Numbers are in their order, and texts in one of the store's own.
    ///
    /// - Throws: `StoreError`, also where a row is damaged.
    func page(of table: StoreTable, after key: StoreValue?) async throws -> [StoreRow]

    /// Ends the connections, and lets others have the store.
    func close() async
}

/// A store that a copy is made in; it is no store for anybody else until the copy is finished.
package protocol StoreTarget: StoreSource {
    /// What there is already.
    ///
    /// - Throws: `StoreError`.
    func contents() async throws -> TargetContents

    /// How to get rid of what a target holds that is not empty, as a part of a sentence.
    var adviceToEmpty: String { get }

    /// Marks the store as one that is being copied into, from the store of this identity, which it has from now on.
    ///
    /// A copy that was begun earlier, and may still go on, can write nothing from now on.
    ///
    /// - Throws: `StoreCopyError`, `StoreError`.
    func begin(_ identity: String) async throws

    /// The key of the last row that was written; nil where the table is empty.
    ///
    /// - Throws: `StoreError`.
    func lastKey(of table: StoreTable) async throws -> StoreValue?

    /// Writes rows, all or none of them, and returns when they are on stable storage.
    ///
    /// Of a table whose rows have no numbers, those that are there already are left.
    ///
    /// - Throws: `StoreCopyError.overtaken`, `StoreError`.
    func write(_ rows: [StoreRow], to table: StoreTable) async throws

    /// Removes all rows.
    ///
    /// - Throws: `StoreCopyError.overtaken`, `StoreError`.
    func clear() async throws

    /// Has the numbers of new rows go on behind those of the header, and makes the store one that can be used.
    ///
    /// - Throws: `StoreCopyError.overtaken`, `StoreError`.
    func finish(_ header: StoreHeader) async throws
}

/// What there is in a store that something is to be copied into.
package enum TargetContents: Sendable, Equatable {
    /// No row of any table.
    case empty
    /// A part of the store of this identity.
    case incomplete(of: String)
    /// A store of this identity that can be used.
    case whole(String)
}

/// Why a store was not copied.
package enum StoreCopyError: Error, Equatable {
    /// An instance works on the store; it was last seen so many seconds ago.
    case running(store: String, instance: String, seconds: Int)
    /// The target holds rows already.
    case notEmpty(store: String, advice: String)
    /// The target holds a part of another store.
    case partOfOther(store: String, found: String, wanted: String, advice: String)
    /// Another copy into the same target was begun later.
    case overtaken(store: String)
    /// A row is not the same in both stores.
    case differs(store: String, row: String)
    /// A row holds what the other store has no place for.
    case cannotHold(store: String, String)
}

extension StoreCopyError: CustomStringConvertible {
    /// What happened, where, and what to do.
    package var description: String {
        switch self {
        case .running(let store, let instance, let seconds):
            "the instance '\(instance)' runs on '\(store)' (last seen \(seconds) s ago): stop it; after a crash it is "
                + "considered running for \(Int(InstanceRecord.patience)) s"
        case .notEmpty(let store, let advice):
            "'\(store)' is not empty, and a copy is only made in an empty store: \(advice)"
        case .partOfOther(let store, let found, let wanted, let advice):
            "'\(store)' holds an incomplete copy of another store (identity \(found) instead of \(wanted)): finish that copy, "
                + "or \(advice)"
        case .overtaken(let store): "another copy into '\(store)' was started, so this one has ended"
        case .differs(let store, let row):
            "\(row) is not the same in '\(store)': the copy is not used; run the command again"
        case .cannotHold(let store, let reason): "'\(store)' has no place for \(reason)"
        }
    }
}
