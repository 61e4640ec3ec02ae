package import Foundation

/// What waits to be evaluated and to be done.
package struct Backlog: Sendable, Equatable {
    /// Events not evaluated yet.
    package let events: Int

    /// When the oldest of them was stored.
    package let oldestEvent: Date?

    /// Queued runs.
    package let runs: Int

    /// Runs of these whose time has come, those that wait for a destination that is busy or down among them.
    package let dueRuns: Int

    /// Since when the oldest of these is due; of one that waits for its destination, when it was made.
    package let oldestDue: Date?

    /// A backlog as a store counted it; a date is nil where nothing of its kind waits.
    package init(events: Int, oldestEvent: Date?, runs: Int, dueRuns: Int, oldestDue: Date?) {
        self.events = events
        self.oldestEvent = oldestEvent
        self.runs = runs
        self.dueRuns = dueRuns
        self.oldestDue = oldestDue
    }

    /// How long the oldest of all that could be done by now waits at `now`.
    package func age(at now: Date) -> Duration {
        let oldest = [oldestEvent, oldestDue].compactMap { $0 }.min() ?? now
        return .milliseconds(Int64(max(0, now.timeIntervalSince(oldest)) * 1_000))
    }
}
