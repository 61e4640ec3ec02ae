/// A store that can be checked for damage while it is in use.
package protocol CheckableStore: Sendable {
    /// Checks the whole store: what was acknowledged against what is here, its structure, each row, and each body against the
    /// hash that was stored with it.
    ///
    /// - Throws: `StoreError` when it cannot be read at all.
    func check() async throws -> StoreCheck
}

/// A store that can be copied to a file while it is in use.
package protocol CopyableStore: Sendable {
    /// Copies the store, as it is at one moment, into a new file that only the owner may read.
    ///
    /// The file appears once it is complete, checked and on disk. `progress` is called with how much is copied, and of how
    /// much.
    ///
    /// - Throws: `StoreError`.
    func copy(to file: String, progress: @escaping @Sendable (_ done: Int, _ total: Int) -> Void) async throws
}

/// Something in a store that is not as it was written.
package struct StoreDamage: Sendable, Equatable, CustomStringConvertible {
    /// Where it is: the file, or one of its rows.
    package let place: String

    /// What is wrong there, as an error message.
    package let reason: String

    /// The damage that `reason` describes, at a place such as `the file` or `event 12`.
    package init(place: String, reason: String) {
        self.place = place
        self.reason = reason
    }

    /// The place and the reason on one line, as `store check` prints them.
    package var description: String { "\(place): \(reason)" }
}

/// What a look through a whole store found.
package struct StoreCheck: Sendable, Equatable {
    /// The identity of the store.
    package var identity = ""

    /// How many events were checked.
    package var events = 0

    /// How many runs the store holds.
    package var runs = 0

    /// What was found damaged; a store with much damage may list only a part of it.
    package var damages: [StoreDamage] = []

    /// A check that has found nothing so far.
    package init() {}
}
