import CountersignCore
import CountersignStore
import Foundation
import Synchronization

/// Which clock the times of the store are of.
///
/// Several machines work on one store, so in life it is the database's: what we say of our own is moved by how far ours is
/// behind, and leases are measured there. Tests say the time themselves.
package final class DatabaseClock: Sendable {
    /// Whose time it is.
    package enum Kind: Sendable {
        /// The caller's, as in the suites.
        case caller
        /// The database's.
        case server
    }

    let kind: Kind

    /// A time of the database, and the moment at which it was that by a clock that nobody sets.
    private struct Anchor {
        let time: Int64
        let uptime: ContinuousClock.Instant
    }

    /// How far ours has to be set, in milliseconds, to be taken for set and not for drifting: times that were read are the same
    /// when they are asked for.
    private static let tolerance: Int64 = 250

    /// By how many milliseconds our clock was behind the database's when that was looked at last.
    private let knownLag = Atomic<Int64>(0)

    /// How it was when the clocks were compared last; nil before the first time.
    private let anchor = Mutex<Anchor?>(nil)

    /// By how many milliseconds our clock is behind the database's, however it was set since they were compared.
    private var lag: Int64 {
        let known = knownLag.load(ordering: .relaxed)
        guard let anchor = anchor.withLock({ $0 }) else { return known }
        let now = anchor.time + (ContinuousClock.now - anchor.uptime).milliseconds - Date().milliseconds
        guard abs(now - known) > Self.tolerance else { return known }
        knownLag.store(now, ordering: .relaxed)
        return now
    }

    init(_ kind: Kind) {
        self.kind = kind
    }

    /// By how much our clock is behind the database's.
    var offset: Duration { .milliseconds(lag) }

    /// A time of ours as the store keeps it.
    func moment(_ date: Date) -> Moment {
        let moment = Moment(date)
        guard moment.microseconds != .min, moment.microseconds != .max else { return moment }
        return Moment(microseconds: moment.microseconds + lag * 1_000)
    }

    /// A time of the store by our clock.
    func date(_ date: Date) -> Date {
        Date(milliseconds: date.milliseconds - lag)
    }

    /// The time at which leases begin: the caller's, or NULL for the database's own.
    func leaseBase(_ now: Date) -> Parameter { kind == .caller ? .time(moment(now)) : .null }

    /// Compares the clocks: the database said `time` when it was asked between `start` and now.
    func compare(_ time: Date, since start: ContinuousClock.Instant) {
        guard kind == .server else { return }
        let elapsed = ContinuousClock.now - start
        anchor.withLock { $0 = Anchor(time: time.milliseconds, uptime: start + elapsed / 2) }
        knownLag.store(time.milliseconds - Date().milliseconds + (elapsed / 2).milliseconds, ordering: .relaxed)
    }
}
