package import Foundation

/// A store that can be cut back to what is still wanted.
package protocol Prunable: Sendable {
    /// Looks at the oldest rows after the one numbered `position`, `limit` at most, and removes those that were made
    /// before `cutoff` and are done with.
    ///
    /// One call is one small transaction, so that deliveries find their turn between two of them.
    ///
    /// - Throws: `StoreError`.
    func prune(_ kind: PrunableKind, before cutoff: Date, after position: Int64, limit: Int) async throws -> PrunedSlice

    /// Removes the rule sets that no event can belong to any more: those that a later one replaced more than a day before
    /// the oldest event came.
    ///
    /// - Throws: `StoreError`.
    /// - Returns: How many were removed.
    func pruneRuleSets() async throws -> Int
}

/// What grows with time.
package enum PrunableKind: String, Sendable, CaseIterable {
    /// Events with their runs and decisions.
    ///
    /// One with a run that is not done, or that failed and was not discarded, stays, and so does one that a state of a rule
    /// or a digest needs.
    case events

    /// What the steps of runs that succeeded or were discarded did; the runs stay with their events.
    case steps

    /// Bodies that were no events.
    case quarantine
}

/// What became of one slice.
package struct PrunedSlice: Sendable, Equatable {
    /// How many rows of the kind were removed.
    package let removed: Int

    /// Where the next slice begins; nil when the rest is too young.
    package let next: Int64?

    /// A slice of which `removed` rows were removed; `next` is nil for the last one.
    package init(removed: Int, next: Int64?) {
        self.removed = removed
        self.next = next
    }
}
