package import CountersignCore
package import Foundation

/// What people want to know of a state, read from what the decisions keep in it.
extension RuleState {
    /// How many timers the series of a timer had; nil for all else.
    package var entries: Int? {
        guard kind == .timer else { return nil }
        return data["opener"]?["times"]?.array?.count
    }

    /// Whether the time of a timer was over when its event came.
    package var isLate: Bool { data["late"] == true }

    /// How many events a `debounce` or a `digest` has, or a `threshold` counts; nil for all else.
    package var eventCount: Int? {
        switch kind {
        case .debounce, .digest: data["count"]?.number?.integer
        case .threshold: data["matches"]?.array?.count ?? 0
        case .timer, .throttle, .schedule: nil
        }
    }

    /// How many events of the window of a `throttle` ran, and how many it suppressed; nil for all else.
    package var window: (ran: Int, suppressed: Int)? {
        guard kind == .throttle else { return nil }
        return (data["ran"]?.number?.integer ?? 0, data["suppressed"]?.number?.integer ?? 0)
    }

    /// The occurrence of a `schedule` that a person skipped, as long as the next one has not come; nil for none.
    package var skipped: Date? {
        guard kind == .schedule else { return nil }
        return data["skipped"]?.number?.integer.map { Date(milliseconds: Int64($0)) }
    }

    /// Until when a `threshold` that was met counts nothing; nil for one that counts.
    package var quietUntil: Date? {
        guard kind == .threshold else { return nil }
        return data["quiet_until"]?.number?.integer.map { Date(milliseconds: Int64($0)) }
    }
}
