package import CountersignCore
package import CountersignStore
package import Foundation
import Synchronization

/// How many steps are in progress to each destination, and which destinations are down.
///
/// A destination that is slow takes no more than its share of the workers; one that is down takes none. What has to wait
/// goes back to the store and is woken from there, so nothing waits in memory. A restart forgets which were down, unless
/// instances share them; see `CircuitSharing`.
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

    struct DestinationState {
        /// Whether it is on this machine, so that it says nothing to the other instances.
        var isLocal = false
        var active = 0
        var isAwaited = false

        /// Whether somebody comes at the end of the pause; the others are woken when the destination is back.
        var hasCandidate = false

        /// Since when it has been down, and how many probes have failed since.
        var downSince: Date?
        var failedProbes = 0

        /// Until when its circuit is open by what the store was told or has told; nil where it knows of none.
        var sharedUntil: Date?
        var breaker: CircuitBreaker

        /// Where it has a rate; it is kept then, since it tells when the next step may begin.
        var rate: DestinationRate?

        /// Whether it works and nobody waits for it, so that there are no more than are in use.
        var isForgettable: Bool {
            active == 0 && !isAwaited && sharedUntil == nil && rate == nil && breaker.state == .closed(outages: 0)
        }

        /// It is back.
        mutating func close() {
            breaker.succeeded()
            (downSince, failedProbes, hasCandidate) = (nil, 0, false)
        }
    }

    /// The due time of who waits for a place: it is woken before; this is for the case that nobody is there to do so.
    static let longestWait: TimeInterval = 600

    /// Notified when a circuit opens or closes here.
    package let circuitChanges = AsyncSignal()

    let states = Mutex<[String: DestinationState]>([:])
    private let capacity: Int

    /// Destinations that have a capacity of their own.
    private let capacities: [String: Int]

    /// Destinations that have a rate.
    private let rates: [String: Rate]
    private let instances = Mutex(1)
    private let policy: CircuitBreaker.Policy

    /// DestinationLimiter for `capacity` steps each, but for those of `capacities`; those of `rates` begin no more often.
    package init(
        capacity: Int = 4,
        capacities: [String: Int] = [:],
        rates: [String: Rate] = [:],
        policy: CircuitBreaker.Policy = .init()
    ) {
        self.rates = rates
        self.capacity = capacity
        self.capacities = capacities
        self.policy = policy
    }

    /// How many Destinations whose circuit is open.
    package var downCount: Int {
        states.withLock { destinations in destinations.values.count { $0.breaker.isOpen } }
    }

    func capacity(of destination: String) -> Int {
        capacities[destination] ?? (destination.hasPrefix(PackageInquiry.packagePrefix) ? 1 : capacity)
    }

    /// Whether any destination has a rate.
    package var hasRates: Bool { !rates.isEmpty }

    /// So many instances share each rate now; at least one.
    package func share(among count: Int) { instances.withLock { $0 = max(1, count) } }

    /// The time between two steps that begin here; nil without a rate.
    private func interval(of destination: String) -> TimeInterval? {
        rates[destination].map { $0.interval.preciseInterval * TimeInterval(instances.withLock { $0 }) }
    }

    /// What is known of a destination that nobody has used yet.
    func newState(of destination: String) -> DestinationState {
        DestinationState(
            breaker: CircuitBreaker(policy: policy),
            rate: rates[destination].map { _ in DestinationRate() }
        )
    }

    /// What runs wait for that need a destination whose circuit is open.
    static func down(_ destination: String) -> RunWait {
        RunWait(destination: destination, reason: "its circuit is open: the last attempts failed")
    }

    /// Asks for a place on the way to `destination`; who is admitted calls `leave`.
    ///
    /// `isLocal` tells whether it is a program of this machine, which says nothing to the other instances.
    package func acquire(_ destination: String, isLocal: Bool = false, at now: Date) -> Permit {
        let interval = interval(of: destination)
        return states.withLock { destinations in
            var state = destinations[destination] ?? newState(of: destination)
            state.isLocal = isLocal
            defer { destinations[destination] = state }
            let capacity = capacity(of: destination)
            guard state.active < capacity else {
                state.isAwaited = true
                let wait = RunWait(destination: destination, reason: "\(capacity) steps are already in progress there")
                return .refused(
                    wait,
                    until: state.wait(from: now, interval) ?? now.addingTimeInterval(Self.longestWait)
                )
            }
            if !state.breaker.isClosedOrDue(at: now), let until = state.breaker.admit(at: now) {
                return refusal(of: destination, &state, until: until, interval)
            }
            // Before the breaker is asked: who finds out whether the destination is back must not be sent away.
            if let time = state.rate?.wait(at: now) {
                state.isAwaited = true
                let rate = rates[destination].map { "\($0)" } ?? ""
                let wait = RunWait(destination: destination, reason: "its rate of \(rate) is used up")
                return .refused(wait, until: state.wait(from: time, interval) ?? time)
            }
            if let until = state.breaker.admit(at: now) {
                return refusal(of: destination, &state, until: until, interval)
            }
            state.active += 1
            if let interval { state.rate?.begin(at: now, interval: interval) }
            if case .probing = state.breaker.state { return .granted(isProbe: true) }
            return .granted(isProbe: false)
        }
    }

    /// Has a run wait for a destination whose circuit is open.
    private func refusal(
        of destination: String,
        _ state: inout DestinationState,
        until: Date,
        _ interval: TimeInterval?
    ) -> Permit {
        state.isAwaited = true
        if let time = state.wait(from: until, interval) { return .refused(Self.down(destination), until: time) }
        let due = state.hasCandidate ? until.addingTimeInterval(Self.longestWait) : until
        state.hasCandidate = true
        return .refused(Self.down(destination), until: due)
    }

    /// Gives a place back; `isProbe` as it was admitted.
    package func release(_ destination: String, _ ending: Ending, isProbe: Bool, at now: Date) -> ReleaseResult {
        let (result, isChanged) = states.withLock { destinations -> (ReleaseResult, Bool) in
            guard var state = destinations[destination] else { return (ReleaseResult(), false) }
            state.active -= 1
            let before = state.breaker.state
            switch ending {
            case .answered: state.breaker.succeeded()
            case .outage: state.breaker.failed(at: now, isProbe: isProbe)
            case .unknown: if isProbe { state.breaker.abandoned(at: now) }
            }
            var result = state.result(of: before, at: now)
            if case .closed = state.breaker.state, state.isAwaited, state.rate == nil {
                result.resumable = capacity(of: destination) - state.active
            }
            destinations[destination] = state.isForgettable ? nil : state
            return (result, before != state.breaker.state)
        }
        if isChanged { circuitChanges.notify() }
        return result
    }

    /// Looks again on behalf of a run that was refused and is in the store by now: in between, a place may have got free.
    ///
    /// - Returns: How many runs that wait for the destination may go on.
    package func lookAgain(_ destination: String) -> Int {
        states.withLock { destinations in
            // Who waits for a rate has a time of its own to come again.
            guard rates[destination] == nil else { return 0 }
            guard let state = destinations[destination] else { return capacity(of: destination) }
            destinations[destination]?.isAwaited = true
            if case .closed = state.breaker.state { return max(0, capacity(of: destination) - state.active) }
            return 0
        }
    }

    /// Nobody waits for `destination` any more.
    package func wasEmptied(_ destination: String) {
        states.withLock { $0[destination]?.isAwaited = false }
    }

    /// The destinations whose circuits are open, and until when.
    package var open: [String: Date] {
        states.withLock { destinations in
            destinations.compactMapValues { state in
                if case .open(let until, _) = state.breaker.state { until } else { nil }
            }
        }
    }
}

extension DestinationLimiter.DestinationState {
    /// What it means that the circuit was in the state `before`, and is in another one now.
    fileprivate mutating func result(of before: CircuitBreaker.State, at now: Date) -> DestinationLimiter.ReleaseResult
    {
        var result = DestinationLimiter.ReleaseResult()
        switch (before, breaker.state) {
        case (.open, .open): break
        case (_, .open(let until, _)):
            hasCandidate = false
            if downSince == nil {
                result.opensUntil = until
                downSince = now
            } else {
                failedProbes += 1
            }
        case (.closed, .closed): break
        case (_, .closed):
            result.ended = DestinationLimiter.Outage(since: downSince ?? now, tries: failedProbes + 1)
            (downSince, failedProbes) = (nil, 0)
        default: break
        }
        return result
    }
}

extension DestinationLimiter.DestinationState {
    /// When one comes again who has to wait for a destination with a rate; nil without a rate.
    fileprivate mutating func wait(from earliest: Date, _ interval: TimeInterval?) -> Date? {
        interval.flatMap { rate?.reserve(from: earliest, interval: $0) }
    }
}

extension Duration {
    /// The duration in seconds, parts of a millisecond not lost.
    fileprivate var preciseInterval: TimeInterval {
        TimeInterval(components.seconds) + TimeInterval(components.attoseconds) / 1e18
    }
}
