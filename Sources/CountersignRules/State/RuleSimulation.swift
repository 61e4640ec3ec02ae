package import CountersignCore
package import Foundation
import HeapModule

/// What a rule set makes of a series of events, on a clock that goes from what is due to what is due next: nothing is stored
/// and nothing runs.
///
/// It asks the same decisions as a live instance. Runs of a concurrency key are taken to end at once, and what a rule asks of
/// a package that is not known is taken to hold.
package struct RuleSimulation: Sendable {
    /// A run that would be made.
    package struct SimulatedRun: Sendable {
        /// The rule.
        package let ruleID: String

        /// The event: the one that is reported, also where it was made for another one of the rule's own.
        package let event: Event

        /// What distinguishes it from other runs of the rule for the event.
        package let part: String

        /// What the same run has in common in two simulations; an event of the rule's own is known by its time.
        package var identity: String {
            let event = event.id.rawValue > 0 ? "\(event.id)" : "\(event.name) \(event.receivedAt.milliseconds)"
            return "\(ruleID) \(event) \(part)"
        }
    }

    /// The runs so far.
    package private(set) var runs: [SimulatedRun] = []

    /// What is open.
    package private(set) var states: [StateKey: [String: RuleState]] = [:]

    private let rules: RuleSet
    /// The due times of what is open, and of what was: those that no state has any more are left out when they come up.
    private var dues = Heap<Due>()
    private var gathered: [StateKey: [Event.ID]] = [:]
    private var events: [Event.ID: Event] = [:]
    private var ofPackage: [String: [Event]] = [:]
    private var ofName: [String: [Event]] = [:]
    private var now = Date.distantPast
    private var lastRaised: Int64 = 0

    /// A simulation of `rules` that has seen no event.
    package init(_ rules: RuleSet) { self.rules = rules }

    /// Takes the next event, behind all that is due before it was received.
    package mutating func take(_ event: Event) {
        advance(to: event.receivedAt)
        keep(event)
        evaluate(event)
    }

    /// Does what is due by a time.
    package mutating func advance(to time: Date) {
        if now == .distantPast { begin(at: time) }
        while let due = nextDue, due <= time {
            now = max(now, due)
            fire()
        }
        now = max(now, time)
    }

    /// A due time of a state.
    private struct Due: Comparable {
        let at: Date
        let key: StateKey
        let part: String

        static func < (left: Due, right: Due) -> Bool {
            (left.at, left.key, left.part) < (right.at, right.key, right.part)
        }
    }

    /// The due time of what is due first.
    private var nextDue: Date? {
        mutating get {
            while let first = dues.min {
                if states[first.key]?[first.part]?.dueAt == first.at { return first.at }
                dues.removeMin()
            }
            return nil
        }
    }

    /// Takes what is due now.
    private mutating func takeDue() -> [RuleState] {
        var due: [RuleState] = []
        while let at = nextDue, at <= now, let first = dues.popMin() {
            if let state = states[first.key]?[first.part], due.last != state { due.append(state) }
        }
        return due
    }

    /// Schedules count from the first event on.
    private mutating func begin(at time: Date) {
        now = time
        let decider = Decider(rules: rules, now: time)
        write(decider.outcomeForSchedules(in: snapshot(for: decider.requestForSchedules)))
    }

    private mutating func keep(_ event: Event) {
        events[event.id] = event
        if let id = event.packageKey { ofPackage[id, default: []].append(event) }
        ofName[event.name, default: []].append(event)
    }

    private mutating func evaluate(_ event: Event) {
        let decider = Decider(rules: rules, now: now)
        // A package that is not known is not asked for here.
        let known = event.package == nil ? event.with(package: .object([:])) : event
        let evaluation = decider.evaluation(of: event)
        guard evaluation.concernsState else {
            for ruleID in decider.dispatch(evaluation).ruleIDs { add(ruleID, event, part: "") }
            return
        }
        var snapshot = snapshot(for: decider.request(for: [evaluation]))
        snapshot.waiting = [event.id]
        var outcome = decider.outcome(for: [evaluation], in: snapshot)
        for run in outcome.runs where run.part == Run.lookUpPart {
            guard let rule = rules.rule(run.ruleID) else { continue }
            let request = decider.request(forLookUp: known, at: rule)
            guard let found = decider.outcome(forLookUp: known, at: rule, in: self.snapshot(for: request)) else {
                continue
            }
            write(found)
        }
        outcome.runs.removeAll { $0.part == Run.lookUpPart }
        write(outcome)
    }

    private mutating func fire() {
        let decider = Decider(rules: rules, now: now)
        let due = takeDue()
        let request = decider.request(forDue: due, of: events)
        write(decider.outcome(forDue: due, of: events, in: snapshot(for: request)))
        // What could not be decided, as its event is gone, would come again for ever.
        for state in due where states[state.key]?[state.part] == state { states[state.key]?[state.part] = nil }
    }

    private func snapshot(for request: StateRequest) -> StateSnapshot {
        var snapshot = StateSnapshot()
        for key in request.keys { snapshot.states[key] = states[key] }
        for key in request.gathered { snapshot.gathered[key] = gathered[key] ?? [] }
        for query in request.history { snapshot.history[query] = history(query) }
        return snapshot
    }

    private func history(_ query: HistoryQuery) -> EventHistory {
        let found: [Event] =
            switch query.scope {
            case .package(let id): ofPackage[id] ?? []
            case .names(let names): names.flatMap { ofName[$0] ?? [] }.sorted { $0.id.rawValue < $1.id.rawValue }
            }
        let recent = found.filter { event in query.since.map { event.receivedAt >= $0 } ?? true }
        return EventHistory(
            events: recent.suffix(HistoryQuery.limit).reversed(),
            isTruncated: recent.count > HistoryQuery.limit
        )
    }

    private mutating func write(_ outcome: StateOutcome) {
        for change in outcome.changes { apply(change) }
        for dispatch in outcome.dispatches {
            guard let event = events[dispatch.eventID] else { continue }
            for ruleID in dispatch.ruleIDs { add(ruleID, event, part: "") }
        }
        for run in outcome.runs {
            guard let event = events[run.eventID] else { continue }
            add(run.ruleID, event, part: run.part)
        }
        for delivery in outcome.raised { raise(delivery) }
    }

    private mutating func apply(_ change: StateChange) {
        switch change {
        case .set(let state):
            states[state.key, default: [:]][state.part] = state
            if let due = state.dueAt { dues.insert(Due(at: due, key: state.key, part: state.part)) }
        case .remove(let key, let part):
            states[key]?[part] = nil
            if states[key]?.isEmpty == true { states[key] = nil }
        case .gather(let key, let id): gathered[key, default: []].append(id)
        case .clear(let key): gathered[key] = nil
        }
    }

    /// An event of a rule's own has a number below all that are stored.
    private mutating func raise(_ delivery: Delivery) {
        lastRaised -= 1
        let event = Event(
            id: Event.ID(rawValue: lastRaised),
            name: delivery.name,
            payload: delivery.payload,
            origin: delivery.origin,
            receivedAt: now,
            account: delivery.account
        )
        keep(event)
        evaluate(event)
    }

    private mutating func add(_ ruleID: String, _ event: Event, part: String) {
        runs.append(SimulatedRun(ruleID: ruleID, event: event, part: part))
    }

    /// The runs since the last call.
    package mutating func takeRuns() -> [SimulatedRun] {
        defer { runs = [] }
        return runs
    }
}
