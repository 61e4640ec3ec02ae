import CountersignModel
import Foundation

/// Asks for the readiness once a second at most, so that a stranger cannot make the disk work.
actor ReadinessCache {
    private let ask: @Sendable () async -> Readiness
    private let clock: any WallClock
    private var latest: (readiness: Readiness, at: Date)?
    private var isAsking = false
    private var waiting: [CheckedContinuation<Readiness, Never>] = []

    init(clock: any WallClock, ask: @escaping @Sendable () async -> Readiness) {
        self.clock = clock
        self.ask = ask
    }

    /// How things stand, or stood within the last second; those who ask at the same time share one answer.
    func current() async -> Readiness {
        // A clock that was set back makes the age negative, and must not keep an answer alive for hours.
        if let latest, abs(clock.now.timeIntervalSince(latest.at)) < 1 { return latest.readiness }
        if isAsking { return await withCheckedContinuation { waiting.append($0) } }
        isAsking = true
        let readiness = await ask()
        isAsking = false
        latest = (readiness, clock.now)
        for continuation in waiting { continuation.resume(returning: readiness) }
        waiting = []
        return readiness
    }
}
