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
    package init() {}

    package var now: Date { Date() }

    package func sleep(until deadline: Date) async throws {
        // A long wait is cut up so that a clock that was set forward is noticed within a minute.
        while case let rest = deadline.timeIntervalSince(now), rest > 0 {
            try await Task.sleep(for: .seconds(min(rest, 60)))
        }
    }
}
