import CountersignCore
import CountersignStore
import Foundation
import GRDB

/// What was written with a decision, and who has to be told.
struct WrittenOutcome: Sendable {
    var decisions: [Decision] = []
    var isQueued = false
    var isDueSet = false
    var hasArrivals = false
}

/// Decides with what is read, and writes what was decided, within a transaction.
struct OutcomeWriting {
    let db: Database

    /// The store, for errors about damaged rows.
    let path: String
    let now: Date

    private var runs: RunTable { RunTable(db: db) }

    init(db: Database, path: String, at now: Date) {
        (self.db, self.path, self.now) = (db, path, now)
    }

    func snapshot(_ request: StateRequest, on basis: DecisionBasis) throws -> StateSnapshot {
        var snapshot = StateSnapshot()
        let table = StateTable(db: db)
        for key in request.keys {
            let states = try table.rows(of: key).map { try $0.state(path: path) }
            if !states.isEmpty { snapshot.states[key] = Dictionary(states.map { ($0.part, $0) }) { first, _ in first } }
        }
        for name in request.queues {
            let queue = try RunQueue(db: db, name: name).state(countsAll: false)
            if queue != QueueState() { snapshot.queues[name] = queue }
        }
        for query in request.history { snapshot.history[query] = try db.history(query, path: path) }
        for key in request.gathered {
            let ids = try table.gathered(of: key)
            if !ids.isEmpty { snapshot.gathered[key] = ids }
        }
        if case .waiting(let ids) = basis { snapshot.waiting = Set(try ids.filter { try isWaiting($0) }) }
        return snapshot
    }

    private func isWaiting(_ event: Event.ID) throws -> Bool {
        try db.first("SELECT dispatched_at IS NULL FROM events WHERE id = ?", [event.rawValue]) {
            $0.number(at: 0) == 1
        } ?? false
    }

    func write(_ outcome: StateOutcome) throws -> WrittenOutcome {
        var written = WrittenOutcome()
        var queues = Set(outcome.runs.compactMap { $0.place?.queue })
        var queued = try runs.make(outcome.dispatches, at: now)
        // A slot is taken from one run before it is given to another.
        for (run, slot) in outcome.moved where slot == nil {
            queues.formUnion([try runs.move(run, to: nil)].compactMap(\.self))
        }
        for (run, _) in outcome.superseded { queues.formUnion([try runs.supersede(run, at: now)].compactMap(\.self)) }
        for case (let run, let slot?) in outcome.moved {
            queues.formUnion([try runs.move(run, to: slot)].compactMap(\.self))
            queued += 1
        }
        let made = try outcome.runs.map { try runs.insert($0, at: now) }
        queued += made.count { $0.isNew }
        for (run, place) in outcome.superseded { try runs.note(made[place].id, inPlaceOf: run) }
        written.decisions = try write(outcome.decisions, about: made.map(\.id))
        written.isDueSet = try write(outcome.changes)
        written.hasArrivals = try store(outcome.raised)
        for queue in queues where try RunQueue(db: db, name: queue).advance() { queued += 1 }
        written.isQueued = queued > 0
        return written
    }

    private func write(_ decisions: [(decision: Decision, run: Int?)], about runs: [Run.ID]) throws -> [Decision] {
        let table = DecisionTable(db: db)
        return try decisions.map { decision, place in
            let decision = place.map { decision.with(run: runs[$0]) } ?? decision
            try table.insert(decision)
            return decision
        }
    }

    /// - Returns: Whether a state with a due time is among them.
    private func write(_ changes: [StateChange]) throws -> Bool {
        var isDueSet = false
        let table = StateTable(db: db)
        for change in changes {
            try table.apply(change)
            if case .set(let state) = change, state.dueAt != nil { isDueSet = true }
        }
        return isDueSet
    }

    /// - Returns: Whether one of them is new.
    private func store(_ raised: [Delivery]) throws -> Bool {
        var hasArrivals = false
        for delivery in raised {
            if case .stored = try NewEvent(delivery, at: now).insert(in: db, knowsPolls: false) { hasArrivals = true }
        }
        return hasArrivals
    }
}
