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

    /// By how many milliseconds our clock is behind the database's.
    private let lag = Atomic<Int64>(0)

    init(_ kind: Kind) {
        self.kind = kind
    }

    /// By how much our clock is behind the database's.
    var offset: Duration { .milliseconds(lag.load(ordering: .relaxed)) }

    /// A time of ours as the store keeps it.
    func moment(_ date: Date) -> Moment {
        let moment = Moment(date)
        guard moment.microseconds != .min, moment.microseconds != .max else { return moment }
        return Moment(microseconds: moment.microseconds + lag.load(ordering: .relaxed) * 1_000)
    }

    /// A time of the store by our clock.
    func date(_ date: Date) -> Date {
        Date(milliseconds: date.milliseconds - lag.load(ordering: .relaxed))
    }

    /// The time at which leases begin: the caller's, or NULL for the database's own.
    func leaseBase(_ now: Date) -> Parameter { kind == .caller ? .time(moment(now)) : .null }

    /// Compares the clocks: `time` was asked between two moments of ours.
    func compare(_ time: Date, between start: Date, and end: Date) {
        guard kind == .server else { return }
        let middle = (start.milliseconds + end.milliseconds) / 2
        lag.store(time.milliseconds - middle, ordering: .relaxed)
    }
}
