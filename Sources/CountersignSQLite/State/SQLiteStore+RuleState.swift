package import CountersignCore
package import CountersignStore
package import Foundation
import GRDB

extension SQLiteStore {
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

    /// States that are due, those due first coming first, without those of `rules`; a damaged one is set aside and holds up
    /// no other.
    package func dueStates(limit: Int, excluding rules: Set<String>, at now: Date) async throws -> [RuleState] {
        let rows = try await archive.read { db in
            try db.all(.dueStates(limit: max(0, limit), excluding: rules, at: now)) { StateRow($0) }
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

    /// Removes states of a rule that were opened before a time, the oldest first, and returns how many there were.
    package func removeStates(
        ofRule id: String,
        kind: RuleState.Kind,
        openedBefore date: Date,
        limit: Int
    ) async throws -> Int {
        try await writer.write {
            try StateTable(db: $0).remove(ofRule: id, kind: kind, openedBefore: date, limit: limit)
        }
    }
}
