package import CountersignCore
package import CountersignStore
package import Foundation
import GRDB

extension SQLiteStore: RuleStateStore {
    /// Decides inside the next group commit, and writes what was decided.
    package func decide(
        on basis: DecisionBasis,
        reading request: StateRequest,
        under activation: Activation.Number?,
        at now: Date,
        _ body: @escaping @Sendable (StateSnapshot) throws -> StateOutcome
    ) async throws -> [Decision] {
        let path = path
        let result = try await writer.write { db -> Result<WrittenOutcome, any Error> in
            if let activation { try ActivationTable(db: db).expect(activation) }
            let runs = RunTable(db: db)
            if case .lookUp(let run, let lease) = basis { try runs.expect(run, lease: lease) }
            let writing = OutcomeWriting(db: db, path: path, at: now)
            let snapshot = try writing.snapshot(request, on: basis)
            let outcome: StateOutcome
            do {
                outcome = try body(snapshot)
            } catch {
                // Nothing was written, so whoever shares the transaction goes on.
                return .failure(error)
            }
            if case .lookUp(let run, let lease) = basis { try runs.removeLookUp(run, lease: lease) }
            return .success(try writing.write(outcome))
        }
        let written = try result.get()
        if written.isQueued { queued.notify() }
        if written.isDueSet { stateChanges.notify() }
        if written.hasArrivals { arrivals.notify() }
        return written.decisions
    }

    /// States that are due, those due first coming first; a damaged one is set aside and holds up no other.
    package func dueStates(limit: Int, at now: Date) async throws -> [RuleState] {
        let rows = try await archive.read { db in
            try db.all(.dueStates(limit: max(0, limit), at: now)) { StateRow($0) }
        }
        for row in rows where row.fault != nil {
            try await writer.write { try $0.change("UPDATE states SET due_at = NULL WHERE id = ?", [row.id]) }
        }
        return try rows.filter { $0.fault == nil }.map { try $0.state(path: path) }
    }

    /// The due time of the state that is due first; nil where none is ever due.
    package func nextDueState() async throws -> Date? {
        try await archive.read { try $0.first(.nextDueState) { $0.time(at: 0) } } ?? nil
    }

    /// Removes states that are of no use any more, and returns how many there were.
    package func removeExpiredStates(limit: Int, at now: Date) async throws -> Int {
        try await writer.write { try StateTable(db: $0).removeExpired(limit: limit, at: now) }
    }

    /// States that meet a query, without damaged ones.
    package func states(_ query: StateQuery) async throws -> [RuleState] {
        try await archive.read { db in try db.all(.states(query)) { StateRow($0) } }
            .filter { $0.fault == nil }
            .map { try $0.state(path: path) }
    }

    /// One state; nil where it is closed.
    package func state(_ id: RuleState.ID) async throws -> RuleState? {
        try await archive.read { db in
            try db.first("SELECT \(StateRow.columns) FROM states WHERE id = ?", [id]) { StateRow($0) }
        }?
        .state(path: path)
    }

    /// How many states there are, by rule and kind; damaged ones are left out.
    package func stateCounts() async throws -> [StateCount] {
        try await archive.read { db in
            try db.all(.stateCounts) { row -> StateCount? in
                guard let kind = row.text(at: 1).flatMap({ RuleState.Kind(rawValue: $0) }), let oldest = row.time(at: 3)
                else { return nil }
                return StateCount(
                    ruleID: row.text(at: 0) ?? "",
                    kind: kind,
                    count: Int(row.number(at: 2) ?? 0),
                    oldest: oldest,
                    firstDue: row.time(at: 4)
                )
            }
            .compactMap(\.self)
        }
    }

    /// The events that are gathered for a key, the lowest number first.
    package func gathered(of key: StateKey) async throws -> [Event.ID] {
        try await archive.read { try StateTable(db: $0).gathered(of: key) }
    }

    /// What became of an event at the rules with state, without decisions that are damaged.
    package func decisions(of event: Event.ID) async throws -> [Decision] {
        try await archive.read { db in try db.all(.decisions(of: event)) { DecisionRow($0).decision } }
            .compactMap(\.self)
    }

    /// Stored events, the newest first, without their packages.
    package func history(_ query: HistoryQuery) async throws -> EventHistory {
        try await archive.read { [path] in try $0.history(query, path: path) }
    }

    /// The queues in which runs wait, or that a failed run holds.
    package func queues(limit: Int) async throws -> [QueueSummary] { try await archive.queues(limit: limit) }

    /// The queue of this name.
    package func queue(_ name: String) async throws -> QueueState { try await archive.queue(name) }
}
