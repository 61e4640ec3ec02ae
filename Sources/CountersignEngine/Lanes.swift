package import CountersignModel
package import Foundation
import Synchronization

/// How many steps are on their way to each destination, and which destinations are down.
///
/// A destination that is slow takes no more than its share of the workers; one that is down takes none. What has to wait
/// goes back to the store and is woken from there, so nothing waits in memory. A restart forgets which were down.
package final class Lanes: Sendable {
    /// Whether a step may go on.
    package enum Admission: Sendable, Equatable {
        /// `isProbe` tells whether it is to find out whether the destination is back.
        case admitted(isProbe: Bool)
        case refused(RunWait, until: Date)
    }

    /// How a step that was admitted ended, as far as its destination is concerned.
    package enum Ending: Sendable {
        case answered
        case outage
        case unknown
    }

    /// What came of a step's end.
    package struct Departure: Sendable, Equatable {
        /// How many runs that wait for the destination may go on.
        package var room = 0

        /// Until when the destination is left alone, where an outage begins now; a probe that fails begins none.
        package var opensUntil: Date?

        /// The outage that ends now.
        package var ended: Outage?
    }

    /// A time in which a destination was down.
    package struct Outage: Sendable, Equatable {
        package let since: Date

        /// How often it was tried in between, the last time with success.
        package let tries: Int

        package init(since: Date, tries: Int) {
            self.since = since
            self.tries = tries
        }
    }

    private struct Lane {
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

    private let lanes = Mutex<[String: Lane]>([:])
    private let capacity: Int

    /// Destinations that have a capacity of their own.
    private let capacities: [String: Int]
    private let policy: CircuitBreaker.Policy

    /// Lanes for `capacity` steps each, but for those of `capacities`.
    package init(capacity: Int = 4, capacities: [String: Int] = [:], policy: CircuitBreaker.Policy = .init()) {
        self.capacity = capacity
        self.capacities = capacities
        self.policy = policy
    }

    /// How many destinations are left alone because they are down.
    package var downCount: Int {
        lanes.withLock { lanes in lanes.values.count { $0.breaker.isOpen } }
    }

    private func capacity(of destination: String) -> Int {
        capacities[destination] ?? (destination.hasPrefix(PackageInquiry.packagePrefix) ? 1 : capacity)
    }

    /// Asks for a place on the way to `destination`; who is admitted calls `leave`.
    package func enter(_ destination: String, at now: Date) -> Admission {
        lanes.withLock { lanes in
            var lane = lanes[destination] ?? Lane(breaker: CircuitBreaker(policy: policy))
            defer { lanes[destination] = lane }
            let capacity = capacity(of: destination)
            guard lane.active < capacity else {
                lane.isAwaited = true
                let wait = RunWait(destination: destination, reason: "\(capacity) steps are on their way there")
                return .refused(wait, until: now.addingTimeInterval(Self.longestWait))
            }
            if let until = lane.breaker.admit(at: now) {
                lane.isAwaited = true
                let due = lane.hasCandidate ? until.addingTimeInterval(Self.longestWait) : until
                lane.hasCandidate = true
                let wait = RunWait(destination: destination, reason: "it is down, as the last tries show")
                return .refused(wait, until: due)
            }
            lane.active += 1
            if case .probing = lane.breaker.state { return .admitted(isProbe: true) }
            return .admitted(isProbe: false)
        }
    }

    /// Gives a place back; `isProbe` as it was admitted.
    package func leave(_ destination: String, _ ending: Ending, isProbe: Bool, at now: Date) -> Departure {
        lanes.withLock { lanes in
            guard var lane = lanes[destination] else { return Departure() }
            lane.active -= 1
            let before = lane.breaker.state
            switch ending {
            case .answered: lane.breaker.succeeded()
            case .outage: lane.breaker.failed(at: now, isProbe: isProbe)
            case .unknown: if isProbe { lane.breaker.abandoned(at: now) }
            }
            var departure = Departure()
            switch (before, lane.breaker.state) {
            case (.open, .open): break
            case (_, .open(let until, _)):
                lane.hasCandidate = false
                if lane.downSince == nil {
                    departure.opensUntil = until
                    lane.downSince = now
                } else {
                    lane.failedProbes += 1
                }
            case (.closed, .closed): break
            case (_, .closed):
                departure.ended = Outage(since: lane.downSince ?? now, tries: lane.failedProbes + 1)
                (lane.downSince, lane.failedProbes) = (nil, 0)
            default: break
            }
            if case .closed = lane.breaker.state, lane.isAwaited {
                departure.room = capacity(of: destination) - lane.active
            }
            // One that works and that nobody waits for is forgotten, so that there are no more than are in use.
            let isForgettable = lane.active == 0 && !lane.isAwaited && lane.breaker.state == .closed(outages: 0)
            lanes[destination] = isForgettable ? nil : lane
            return departure
        }
    }

    /// Looks again on behalf of a run that was refused and is in the store by now: in between, a place may have got free.
    ///
    /// - Returns: How many runs that wait for the destination may go on.
    package func lookAgain(_ destination: String) -> Int {
        lanes.withLock { lanes in
            guard let lane = lanes[destination] else { return capacity(of: destination) }
            lanes[destination]?.isAwaited = true
            if case .closed = lane.breaker.state { return max(0, capacity(of: destination) - lane.active) }
            return 0
        }
    }

    /// Nobody waits for `destination` any more.
    package func wasEmptied(_ destination: String) {
        lanes.withLock { $0[destination]?.isAwaited = false }
    }

    /// The destinations that are down, and until when they are left alone.
    package var open: [String: Date] {
        lanes.withLock { lanes in
            lanes.compactMapValues { lane in
                if case .open(let until, _) = lane.breaker.state { until } else { nil }
            }
        }
    }
}
