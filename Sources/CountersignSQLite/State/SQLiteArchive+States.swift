package import CountersignCore
package import CountersignStore
package import Foundation
import GRDB

extension SQLiteArchive {
    /// States that meet a query, without damaged ones.
    package func states(_ query: StateQuery) async throws -> [RuleState] {
        try await read { db in try db.all(.states(query)) { StateRow($0) } }
            .filter { $0.fault == nil }
            .map { try $0.state(path: path) }
    }

    /// One state; nil where it is closed.
    package func state(_ id: RuleState.ID) async throws -> RuleState? {
        try await read { db in
            try db.first("SELECT \(StateRow.columns) FROM states WHERE id = ?", [id]) { StateRow($0) }
        }?
        .state(path: path)
    }

    /// How many states there are, by rule and kind; damaged ones are left out.
    package func stateCounts() async throws -> [StateCount] { try await counts(.stateCounts) }

    /// How many states of a rule were made by another shape of it, by kind.
    package func stateCounts(ofRule id: String, exceptShape shape: String) async throws -> [StateCount] {
        try await counts(.stateCounts(ofRule: id, exceptShape: shape))
    }

    private func counts(_ query: Query) async throws -> [StateCount] {
        try await read { db in
            try db.all(query) { row -> StateCount? in
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
        try await read { try StateTable(db: $0).gathered(of: key) }
    }

    /// What became of an event at the rules with state, without decisions that are damaged.
    package func decisions(of event: Event.ID) async throws -> [Decision] {
        try await read { db in try db.all(.decisions(of: event)) { DecisionRow($0).decision } }
            .compactMap(\.self)
    }

    /// Stored events, the newest first, without their packages.
    package func history(_ query: HistoryQuery) async throws -> EventHistory {
        try await read { [path] in try $0.history(query, path: path) }
    }

    /// The queues in which runs wait, or that a failed run holds.
    package func queues(limit: Int) async throws -> [QueueSummary] {
        let limit = max(0, limit)
        return try await read { db in
            let waiting = try db.all(.waitingQueues(limit: limit)) { row in
                (queue: row.text(at: 0) ?? "", count: Int(row.number(at: 1) ?? 0), first: row.number(at: 2) ?? 0)
            }
            let known = Set(waiting.map(\.queue))
            let held = try db.all(.heldQueues(limit: limit)) { $0.text(at: 0) ?? "" }
            let summaries =
                try waiting.map { try db.summary(ofQueue: $0.queue, waiting: $0.count, first: $0.first) }
                + held.filter { !known.contains($0) }.map { try db.summary(ofQueue: $0) }
            return Array(summaries.prefix(limit))
        }
    }

    /// The queue of this name.
    package func queue(_ name: String) async throws -> QueueState {
        try await read { try RunQueue(db: $0, name: name).state(countsAll: true) }
    }

    /// What is paused at `now`, the oldest pause first; what is damaged is left out.
    package func pauses(at now: Date) async throws -> [Pause] {
        try await read { db in
            try db.all(
                """
                SELECT subject, name, paused_by, reason, since, until FROM pauses
                WHERE until IS NULL OR until > ? ORDER BY since, id
                """,
                [now.milliseconds]
            ) { row -> Pause? in
                guard let subject = Pause.Subject(row.text(at: 0), row.text(at: 1)), let since = row.time(at: 4)
                else { return nil }
                return Pause(
                    subject,
                    by: row.text(at: 2) ?? "",
                    reason: row.text(at: 3),
                    since: since,
                    until: row.time(at: 5)
                )
            }
            .compactMap(\.self)
        }
    }

    /// What is being resumed at a rate.
    package func pacedResumptions() async throws -> [PacedResumption] {
        try await read { db in
            try db.all(
                """
                SELECT waiting_for, min(wait_reason), count(*), min(due_at), max(due_at)
                FROM runs INDEXED BY runs_waiting
                WHERE waiting_for IS NOT NULL AND substr(waiting_for, 1, length(?1)) = ?1
                GROUP BY waiting_for ORDER BY waiting_for
                """,
                [PacedResumption.prefix]
            ) { row -> PacedResumption? in
                guard let destination = row.text(at: 0), let next = row.time(at: 3), let last = row.time(at: 4) else {
                    return nil
                }
                return PacedResumption(
                    waitingFor: destination,
                    reason: row.text(at: 1) ?? "",
                    runs: Int(row.number(at: 2) ?? 0),
                    next: next,
                    last: last
                )
            }
            .compactMap(\.self)
        }
    }
}
