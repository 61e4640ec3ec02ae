package import Foundation

/// The time of day, and waiting for one.
///
/// Due times outlive the process in the store, so they are times of day and not instants of a clock that starts at boot.
package protocol WallClock: Sendable {
    var now: Date { get }

    /// Returns at `deadline`, or throws `CancellationError` when the task is cancelled first.
    func sleep(until deadline: Date) async throws
}

/// The machine's clock.
package struct SystemWallClock: WallClock {
    /// The clock of this machine, with no state of its own.
    package init() {}

    /// The time of the system, which may be set forward or back.
    package var now: Date { Date() }

    /// Waits; a clock that is set forward ends the wait within a minute, one that is set back does not prolong it.
    package func sleep(until deadline: Date) async throws {
        // A long wait is cut up so that a clock that was set forward is noticed within a minute. One that was set back
        // makes no wait longer than it was when it began.
        let end = ContinuousClock.now + .seconds(max(0, deadline.timeIntervalSince(now)))
        while case let rest = deadline.timeIntervalSince(now), rest > 0, ContinuousClock.now < end {
            try await Task.sleep(until: min(end, .now + .seconds(min(rest, 60))), clock: .continuous)
        }
    }
}
