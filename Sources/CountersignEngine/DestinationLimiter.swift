package import CountersignCore
package import Foundation
import Synchronization

/// How many steps are in progress to each destination, and which destinations are down.
///
/// A destination that is slow takes no more than its share of the workers; one that is down takes none. What has to wait
/// goes back to the store and is woken from there, so nothing waits in memory. A restart forgets which were down.
package final class DestinationLimiter: Sendable {
    /// Whether a step may go on.
    package enum Permit: Sendable, Equatable {
        /// `isProbe` tells whether it is to find out whether the destination is back.
        case granted(isProbe: Bool)
        case refused(RunWait, until: Date)
    }

    /// How a step that was admitted ended, as far as its destination is concerned.
    package enum Ending: Sendable {
        case answered
        case outage
        case unknown
    }

    /// What came of a step's end.
    package struct ReleaseResult: Sendable, Equatable {
        /// How many runs that wait for the destination may go on.
        package var resumable = 0

        /// Until when the circuit is open, where an outage begins now; a probe that fails begins none.
        package var opensUntil: Date?

        /// The outage that ends now.
        package var ended: Outage?
    }

    /// A time in which a destination was down.
    package struct Outage: Sendable, Equatable {
        /// When the circuit opened.
        package let since: Date

        /// How often it was tried in between, the last time with success.
        package let tries: Int

        /// An outage that began at `since` and ended with the success of the last of `tries` attempts.
        package init(since: Date, tries: Int) {
            self.since = since
            self.tries = tries
        }
    }

    private struct DestinationState {
        var active = 0
        var isAwaited = false

        /// Whether somebody comes at the end of the pause; the others are woken when the destination is back.
        var hasCandidate = false

        /// Since when it has been down, and how many probes have failed since.
        var downSince: Date?
        var failedProbes = 0
        var breaker: CircuitBreaker
    }

    /// The due time of who waits for a place: it is woken before; this is for the case that nobody is there to do so.
    private static let longestWait: TimeInterval = 600

    private let destinations = Mutex<[String: DestinationState]>([:])
    private let capacity: Int

    /// Destinations that have a capacity of their own.
    private let capacities: [String: Int]
    private let policy: CircuitBreaker.Policy

    /// DestinationLimiter for `capacity` steps each, but for those of `capacities`.
    package init(capacity: Int = 4, capacities: [String: Int] = [:], policy: CircuitBreaker.Policy = .init()) {
        self.capacity = capacity
        self.capacities = capacities
        self.policy = policy
    }

    /// How many Destinations whose circuit is open.
    package var downCount: Int {
        destinations.withLock { destinations in destinations.values.count { $0.breaker.isOpen } }
    }

    private func capacity(of destination: String) -> Int {
        capacities[destination] ?? (destination.hasPrefix(PackageInquiry.packagePrefix) ? 1 : capacity)
    }

    /// Asks for a place on the way to `destination`; who is admitted calls `leave`.
    package func acquire(_ destination: String, at now: Date) -> Permit {
        destinations.withLock { destinations in
            var state = destinations[destination] ?? DestinationState(breaker: CircuitBreaker(policy: policy))
            defer { destinations[destination] = state }
            let capacity = capacity(of: destination)
            guard state.active < capacity else {
                state.isAwaited = true
                let wait = RunWait(destination: destination, reason: "\(capacity) steps are already in progress there")
                return .refused(wait, until: now.addingTimeInterval(Self.longestWait))
            }
            if let until = state.breaker.admit(at: now) {
                state.isAwaited = true
                let due = state.hasCandidate ? until.addingTimeInterval(Self.longestWait) : until
                state.hasCandidate = true
                let wait = RunWait(destination: destination, reason: "its circuit is open: the last attempts failed")
                return .refused(wait, until: due)
            }
            state.active += 1
            if case .probing = state.breaker.state { return .granted(isProbe: true) }
            return .granted(isProbe: false)
        }
    }

    /// Gives a place back; `isProbe` as it was admitted.
    package func release(_ destination: String, _ ending: Ending, isProbe: Bool, at now: Date) -> ReleaseResult {
        destinations.withLock { destinations in
            guard var state = destinations[destination] else { return ReleaseResult() }
            state.active -= 1
            let before = state.breaker.state
            switch ending {
            case .answered: state.breaker.succeeded()
            case .outage: state.breaker.failed(at: now, isProbe: isProbe)
            case .unknown: if isProbe { state.breaker.abandoned(at: now) }
            }
            var result = ReleaseResult()
            switch (before, state.breaker.state) {
            case (.open, .open): break
            case (_, .open(let until, _)):
                state.hasCandidate = false
                if state.downSince == nil {
                    result.opensUntil = until
                    state.downSince = now
                } else {
                    state.failedProbes += 1
                }
            case (.closed, .closed): break
            case (_, .closed):
                result.ended = Outage(since: state.downSince ?? now, tries: state.failedProbes + 1)
                (state.downSince, state.failedProbes) = (nil, 0)
            default: break
            }
            if case .closed = state.breaker.state, state.isAwaited {
                result.resumable = capacity(of: destination) - state.active
            }
            // One that works and that nobody waits for is forgotten, so that there are no more than are in use.
            let isForgettable = state.active == 0 && !state.isAwaited && state.breaker.state == .closed(outages: 0)
            destinations[destination] = isForgettable ? nil : state
            return result
        }
    }

    /// Looks again on behalf of a run that was refused and is in the store by now: in between, a place may have got free.
    ///
    /// - Returns: How many runs that wait for the destination may go on.
    package func lookAgain(_ destination: String) -> Int {
        destinations.withLock { destinations in
            guard let state = destinations[destination] else { return capacity(of: destination) }
            destinations[destination]?.isAwaited = true
            if case .closed = state.breaker.state { return max(0, capacity(of: destination) - state.active) }
            return 0
        }
    }

    /// Nobody waits for `destination` any more.
    package func wasEmptied(_ destination: String) {
        destinations.withLock { $0[destination]?.isAwaited = false }
    }

    /// The destinations whose circuits are open, and until when.
    package var open: [String: Date] {
        destinations.withLock { destinations in
            destinations.compactMapValues { state in
                if case .open(let until, _) = state.breaker.state { until } else { nil }
            }
        }
    }
}
