import CountersignCore
import Foundation

/// When steps may begin that use a destination with a rate, and when those come back that have to wait.
///
/// Each that waits has a time of its own, one interval after the one before it, so that they neither come all at once nor
/// need anybody to wake them. Whoever comes at a time takes it, so none is lost where runs change their order.
struct DestinationRate: Sendable {
    /// How much later than its time a step may begin without the next one being put off: timers are late.
    private static let tolerance: TimeInterval = 0.1

    /// The earliest time at which the next step may begin.
    private var next = Date.distantPast

    /// The time that the next one who has to wait gets.
    private var free = Date.distantPast

    /// When to come again; nil where a step may begin at `now`.
    func wait(at now: Date) -> Date? { now < next ? next : nil }

    /// A step begins at `now`.
    mutating func begin(at now: Date, interval: TimeInterval) {
        let isLate = now.timeIntervalSince(next) > min(Self.tolerance, interval)
        next = (isLate ? now : next).addingTimeInterval(interval)
    }

    /// The time for one who has to wait, not before `earliest`.
    mutating func reserve(from earliest: Date, interval: TimeInterval) -> Date {
        let time = max(free, next, earliest)
        free = time.addingTimeInterval(interval)
        return time
    }
}
