package import CountersignStore
import Synchronization

/// Bounds what is quarantined of senders who have yet to be verified: whoever makes up a token gets that far.
package final class UnverifiedQuota: Sendable {
    /// How many bodies there may be.
    package static let mostBodies = 1_000

    /// How many bytes they may have together.
    package static let mostBytes = 64 << 20

    private let totals = Mutex(UnverifiedTotals())

    /// A quota of which nothing is used.
    package init() {}

    /// Takes room for a body; false where there is none.
    func admit(bytes: Int) -> Bool {
        totals.withLock { totals in
            guard totals.count < Self.mostBodies, totals.bytes + bytes <= Self.mostBytes else { return false }
            totals.count += 1
            totals.bytes += bytes
            return true
        }
    }

    /// Takes note of what there really is.
    package func set(_ found: UnverifiedTotals) { totals.withLock { $0 = found } }
}
