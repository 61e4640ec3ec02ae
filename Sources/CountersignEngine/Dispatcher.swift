package import CountersignCore
package import CountersignObservability
import CountersignRules
package import CountersignStore
import Foundation
package import Logging
import ServiceLifecycle

/// Evaluates stored events by the active rules and makes their runs.
package struct Dispatcher: Service {
    private static let batch = 256

    private let store: any Store
    private let book: RuleBook
    private let traces: EventTraces?
    private let bounds: StateBounds?
    private let clock: any WallClock
    private let logger: Logger

    /// A dispatcher by the active rules of `book`; `traces` is nil where none are recorded, `bounds` where keys are not counted.
    package init(
        store: any Store,
        book: RuleBook,
        traces: EventTraces? = nil,
        bounds: StateBounds? = nil,
        clock: any WallClock,
        logger: Logger
    ) {
        self.store = store
        self.book = book
        self.traces = traces
        self.bounds = bounds
        self.clock = clock
        self.logger = logger
    }

    /// Dispatches events as they arrive until the service shuts down; after an error it waits a second.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    if try await dispatchBatch() == 0 { await store.arrivals.wait() }
                } catch {
                    logger.error("Events cannot be dispatched, retrying", metadata: ["error": "\(error)"])
                    try? await clock.sleep(until: clock.now.addingTimeInterval(1))
                }
            }
        }
    }

    /// Makes the runs of the oldest events that have none yet.
    ///
    /// - Throws: `StoreError`; nothing was made then.
    /// - Returns: How many events were dispatched, or put into quarantine, or are to be evaluated by other rules; where it is
    ///   none, nothing waits, or no event can be evaluated before `arrivals` of the store is notified.
    package func dispatchBatch() async throws -> Int {
        guard let active = book.active else { return 0 }
        let rules = active.rules.ruleSet
        // The time as the store keeps it, so that an explanation later evaluates by the very same one.
        let now = Date(milliseconds: clock.now.milliseconds)
        let waiting = try await store.undispatched(limit: Self.batch, at: now)
        for damage in waiting.damages {
            logger.error(
                "Damaged event quarantined",
                metadata: ["event.id": "\(damage.id)", "error": "\(damage.reason)"]
            )
        }
        let events = waiting.events
        guard !events.isEmpty else { return waiting.damages.count }
        let start = traces.map { _ in EventTraces.Moment.now }
        let decider = Decider(rules: rules, now: now, fullRules: bounds?.fullRules ?? [])
        let evaluations = events.map { decider.evaluation(of: $0) }
        FailPoint.beforeDispatch.reach()
        do {
            try await dispatch(evaluations, decider, under: active.activation.number, at: now)
        } catch StoreError.activationChanged {
            guard book.active?.activation.number == active.activation.number else { return events.count }
            // Whoever takes over the rules of other instances notifies when they are there.
            store.activated.notify()
            return 0
        }
        FailPoint.afterDispatch.reach()
        for evaluation in evaluations { report(decider.dispatch(evaluation), of: evaluation.event, since: start) }
        return events.count + waiting.damages.count
    }

    /// Dispatches events; where a rule with state is concerned, what becomes of them is decided inside the transaction.
    private func dispatch(
        _ evaluations: [Decider.Evaluation],
        _ decider: Decider,
        under activation: Activation.Number,
        at now: Date
    ) async throws {
        guard evaluations.contains(where: \.concernsState) else {
            return try await store.dispatch(evaluations.map { decider.dispatch($0) }, under: activation, at: now)
        }
        _ = try await store.decide(
            on: .waiting(evaluations.map(\.event.id)),
            reading: decider.request(for: evaluations),
            under: activation,
            at: now
        ) { decider.outcome(for: evaluations, in: $0) }
    }

    /// Reports an event with the rules that match, or may match once more is known.
    private func report(_ dispatch: Dispatch, of event: Event, since start: EventTraces.Moment?) {
        if let traces, let start {
            traces.matched(event, rules: dispatch.ruleIDs, ruleSet: dispatch.ruleSet, since: start)
        }
        logger.debug(
            "Event dispatched",
            metadata: [
                "trace.id": "\(TraceID(store: store.identity, event: event))", "event.id": "\(event.id)",
                "rule.ids": "\(dispatch.ruleIDs.joined(separator: " "))",
            ]
        )
    }
}
