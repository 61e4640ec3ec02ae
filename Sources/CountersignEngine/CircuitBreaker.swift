import CountersignCore
package import Foundation

/// Keeps steps away from a destination that is down, and lets one through now and then to see whether it is back.
///
/// A value that knows no clock: who uses it says what time it is.
package struct CircuitBreaker: Sendable, Equatable {
    /// When a breaker opens, and for how long.
    package struct Policy: Sendable, Equatable {
        /// How many outages in a row open it.
        package let threshold: Int

        /// How long it stays open at first; the time doubles with each probe that fails, up to `ceiling`.
        package let firstPause: Duration

        /// The longest time that it stays open before the next probe.
        package let ceiling: Duration

        /// A policy; by default 5 outages in a row open the circuit, for 10 seconds at first and 5 minutes at most.
        package init(
            threshold: Int = 5,
            firstPause: Duration = .seconds(10),
            ceiling: Duration = .seconds(300)
        ) {
            self.threshold = threshold
            self.firstPause = firstPause
            self.ceiling = ceiling
        }
    }

    /// What the destination is thought to be.
    package enum State: Sendable, Equatable {
        /// It works; so many outages in a row came last.
        case closed(outages: Int)
        /// It is down; nothing is tried before the time.
        case open(until: Date, pause: Duration)
        /// One step is in progress to see whether it is back.
        case probing(since: Date, pause: Duration)
    }

    /// What the steps so far have shown of the destination.
    package private(set) var state = State.closed(outages: 0)
    private let policy: Policy

    /// A closed circuit without outages.
    package init(policy: Policy = Policy()) {
        self.policy = policy
    }

    /// Whether the destination is thought to be down.
    package var isOpen: Bool {
        if case .closed = state { false } else { true }
    }

    /// Whether `admit` would let a step go on at `now`.
    func isClosedOrDue(at now: Date) -> Bool {
        switch state {
        case .closed: true
        case .open(let until, _): until <= now
        case .probing: false
        }
    }

    /// Whether a step may go on at `now`; the first one after the pause is the probe.
    ///
    /// - Returns: Nil when it may, else when to ask again.
    package mutating func admit(at now: Date) -> Date? {
        switch state {
        case .closed: return nil
        case .open(let until, let pause):
            guard until <= now else { return until }
            state = .probing(since: now, pause: pause)
            return nil
        case .probing(_, let pause): return now.addingTimeInterval(pause.timeInterval)
        }
    }

    /// The destination did its part.
    package mutating func succeeded() { state = .closed(outages: 0) }

    /// The destination did not do its part; `isProbe` tells whether the step was let through to see whether it is back.
    package mutating func failed(at now: Date, isProbe: Bool = false) {
        switch state {
        case .closed(let outages) where outages + 1 < policy.threshold: state = .closed(outages: outages + 1)
        case .closed: open(for: policy.firstPause, at: now)
        case .probing(_, let pause) where isProbe: open(for: min(pause * 2, policy.ceiling), at: now)
        // One that was under way when the breaker opened tells nothing new.
        case .open, .probing: break
        }
    }

    /// The probe ended without telling anything about the destination, such as one that was stopped.
    package mutating func abandoned(at now: Date) {
        if case .probing(_, let pause) = state { state = .open(until: now, pause: pause) }
    }

    /// Another who uses the destination has opened its circuit, `openings` times in a row by now.
    package mutating func open(until: Date, openings: Int) {
        // Doubled so often, any pause is beyond its ceiling.
        let doubled = policy.firstPause * (1 << min(max(openings - 1, 0), 20))
        state = .open(until: until, pause: min(doubled, policy.ceiling))
    }

    /// Another who uses the destination probes it, or has opened its circuit once more.
    package mutating func postponeProbe(until: Date) {
        if case .probing(_, let pause) = state { state = .open(until: until, pause: pause) }
    }

    private mutating func open(for pause: Duration, at now: Date) {
        state = .open(until: now.addingTimeInterval(pause.timeInterval), pause: pause)
    }
}
