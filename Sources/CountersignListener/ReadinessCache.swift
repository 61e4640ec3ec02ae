import CountersignCore
import Foundation
import Synchronization

/// Asks for the readiness once a second at most, so that a stranger cannot make the disk work.
actor ReadinessCache {
    private typealias Outcome = (isStored: Bool, at: Date)

    private let ask: @Sendable () async -> Readiness
    private let clock: any WallClock
    private let lastDelivery = Mutex<Outcome?>(nil)

    /// The time is that of the question, so that a slow answer does not pass for a fresh one.
    private var latest: (readiness: Readiness, at: Date)?
    private var isAsking = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(clock: any WallClock, ask: @escaping @Sendable () async -> Readiness) {
        self.clock = clock
        self.ask = ask
    }

    /// Learns what became of a delivery, which tells more of the store than a trial does.
    nonisolated func note(isStored: Bool) {
        let now = clock.now
        lastDelivery.withLock { $0 = (isStored, now) }
    }

    /// How things stand, or stood within the last second; those who ask at the same time share one answer.
    func current() async -> Readiness {
        let (readiness, askedAt) = await answer()
        guard let delivery = lastDelivery.withLock({ $0 }), isFresh(delivery.at) else { return readiness }
        if !delivery.isStored { return Readiness(store: .cannotWrite, rules: readiness.rules) }
        guard delivery.at > askedAt, !readiness.store.isReady else { return readiness }
        return Readiness(store: .writable, rules: readiness.rules)
    }

    private func answer() async -> (readiness: Readiness, at: Date) {
        if let latest, isFresh(latest.at) { return latest }
        if isAsking {
            await withCheckedContinuation { waiting.append($0) }
            if let latest { return latest }
        }
        isAsking = true
        let now = clock.now
        let answer = (await ask(), now)
        isAsking = false
        latest = answer
        for continuation in waiting { continuation.resume() }
        waiting = []
        return answer
    }

    /// A clock that was set back makes the age negative, and must not keep an answer alive for hours.
    private func isFresh(_ date: Date) -> Bool { abs(clock.now.timeIntervalSince(date)) < 1 }
}
