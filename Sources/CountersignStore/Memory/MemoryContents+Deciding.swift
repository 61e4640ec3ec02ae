import CountersignCore
import Foundation

/// What was written with a decision, and who has to be told.
struct MemoryDecision: Sendable {
    var decisions: [Decision] = []
    var isQueued = false
    var isDueSet = false
    var hasArrivals = false
}

/// Decisions about the states of rules.
extension MemoryContents {
    mutating func decide(
        on basis: DecisionBasis,
        reading request: StateRequest,
        under activation: Activation.Number?,
        at now: Date,
        _ body: (StateSnapshot) throws -> StateOutcome
    ) throws -> MemoryDecision {
        if let activation, activation != activations.last?.number ?? 0 { throw StoreError.activationChanged }
        var lookUp: Int?
        if case .lookUp(let run, let lease) = basis { lookUp = try index(of: run, lease: lease) }
        let outcome = try body(snapshot(request, on: basis))
        if let lookUp { takeBack(lookUp) }
        return write(outcome, at: now)
    }

    private func snapshot(_ request: StateRequest, on basis: DecisionBasis) -> StateSnapshot {
        var snapshot = StateSnapshot()
        for key in request.keys { snapshot.states[key] = states.states(of: key) }
        for name in request.queues where lines[name] != nil { snapshot.queues[name] = queue(name) }
        for query in request.history { snapshot.history[query] = history(query) }
        for key in request.gathered {
            let ids = states.gathered(of: key)
            if !ids.isEmpty { snapshot.gathered[key] = ids }
        }
        if case .waiting(let ids) = basis {
            snapshot.waiting = Set(ids.filter { id in index(of: id).map { events[$0].dispatchedAt == nil } ?? false })
        }
        return snapshot
    }

    func history(_ query: HistoryQuery) -> EventHistory {
        let ids = history.events(query)
        let found = ids.prefix(HistoryQuery.limit)
            .compactMap { id in index(of: id).map { events[$0].event.withoutPackage } }
        return EventHistory(events: found, isTruncated: ids.count > HistoryQuery.limit)
    }

    private mutating func write(_ outcome: StateOutcome, at now: Date) -> MemoryDecision {
        var written = MemoryDecision()
        let handed = handovers
        var made = make(outcome.dispatches, at: now)
        var touched: Set<String> = []
        for (run, slot) in outcome.moved where slot == nil { index(of: run).map { move($0, to: nil) } }
        for (run, _) in outcome.superseded { supersede(run, at: now) }
        for (run, slot) in outcome.moved {
            guard let index = index(of: run), let place = runs[index].place else { continue }
            touched.insert(place.queue)
            if let slot {
                move(index, to: slot)
                made += 1
            }
        }
        let numbers = outcome.runs.map { new in
            touched.formUnion([new.place?.queue].compactMap { $0 })
            return add(new, at: now)
        }
        for (run, place) in outcome.superseded {
            index(of: run).map { runs[$0].supersededBy = numbers[place] }
        }
        for change in outcome.changes {
            states.apply(change)
            if case .set(let state) = change, state.dueAt != nil { written.isDueSet = true }
        }
        written.decisions = outcome.decisions.map {
            $0.run.map { numbers[$0] }.map($0.decision.with(run:)) ?? $0.decision
        }
        for decision in written.decisions { add(decision) }
        for delivery in outcome.raised {
            if case .stored = append(delivery, at: now) { written.hasArrivals = true }
        }
        for queue in touched { advance(queue) }
        written.isQueued = made + outcome.runs.count + (handovers - handed) > 0
        return written
    }

    private mutating func supersede(_ run: Run.ID, at now: Date) {
        guard let index = index(of: run) else { return }
        runs[index].leave(for: .discarded)
        runs[index].finishedAt = now.stored
        if let queue = runs[index].place?.queue {
            move(index, to: nil)
            lines[queue]?.remove(index)
        }
    }

    mutating func add(_ decision: Decision) {
        let stored = Decision(
            eventID: decision.eventID,
            ruleID: decision.ruleID,
            part: decision.part,
            kind: decision.kind,
            facts: decision.facts,
            run: decision.run,
            at: decision.at.stored
        )
        decisions[decision.eventID, default: []].append(stored)
    }

    func states(_ query: StateQuery) -> [RuleState] {
        let found = states.all.filter { state in
            (query.ruleID.map { $0 == state.key.ruleID } ?? true)
                && (query.key.map { $0 == state.key } ?? true)
                && (query.packageID.map { $0 == state.packageID } ?? true)
                && (query.kinds.isEmpty || query.kinds.contains(state.kind))
                && (query.exceptShape.map { $0 != state.shape } ?? true)
                && (query.after.map { (state.id ?? 0) > $0 } ?? true) && (!query.isDueOnly || state.dueAt != nil)
        }
        let sorted = found.sorted { one, other in
            let (first, second) = query.isDueOnly ? (one.dueAt, other.dueAt) : (nil, nil)
            return (first ?? .distantPast, one.id ?? 0) < (second ?? .distantPast, other.id ?? 0)
        }
        return Array(sorted.prefix(max(0, query.limit)))
    }

    func stateCounts(where isMeant: (RuleState) -> Bool) -> [StateCount] {
        struct Key: Hashable {
            let ruleID: String
            let kind: RuleState.Kind
        }
        let open = states.all.filter { ($0.kind != .timer || $0.dueAt != nil) && isMeant($0) }
        return Dictionary(grouping: open) { Key(ruleID: $0.key.ruleID, kind: $0.kind) }
            .map { key, states in
                StateCount(
                    ruleID: key.ruleID,
                    kind: key.kind,
                    count: states.count,
                    oldest: states.map(\.openedAt).min() ?? .distantPast,
                    firstDue: states.compactMap(\.dueAt).min()
                )
            }
            .sorted { ($0.ruleID, $0.kind.rawValue) < ($1.ruleID, $1.kind.rawValue) }
    }
}
