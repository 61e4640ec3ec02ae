package import CountersignCore
package import CountersignStore
package import Foundation

extension PostgreSQLArchive {
    /// States that meet a query.
    package func states(_ query: StateQuery) async throws -> [RuleState] {
        try await states(StateStatements.states(query))
    }

    /// One state; nil where it is closed.
    package func state(_ id: RuleState.ID) async throws -> RuleState? {
        try await states(StateStatements.state(id)).first
    }

    /// How many states there are, for each rule and kind that has any.
    package func stateCounts() async throws -> [StateCount] {
        try await all(StateStatements.counts) { StateCount($0) }.compactMap(\.self)
    }

    /// How many states of a rule were made by another shape of it, by kind.
    package func stateCounts(ofRule id: String, exceptShape shape: String) async throws -> [StateCount] {
        try await all(StateStatements.counts(ofRule: id, exceptShape: shape)) { StateCount($0) }.compactMap(\.self)
    }

    /// The events that are gathered for a key, the oldest number first.
    package func gathered(of key: StateKey) async throws -> [Event.ID] {
        try await all(StateStatements.gathered(of: [key])) { Event.ID(rawValue: $0.integer(0)) }
    }

    /// What became of an event at the rules with state, in the order in which it was decided.
    package func decisions(of event: Event.ID) async throws -> [Decision] {
        try await all(StateStatements.decisions(of: event)) { Decision($0) }.compactMap(\.self)
    }

    /// The stored events that a decision would look back at.
    package func history(_ query: HistoryQuery) async throws -> EventHistory {
        let reading = SnapshotReading.history(query, in: name)
        guard !reading.statements.isEmpty else { return EventHistory(events: []) }
        return try await read { try reading.decode($0.execute(reading.statements)) }
    }

    /// The queues in which runs wait, or that a failed run holds, those that wait longest coming first.
    package func queues(limit: Int) async throws -> [QueueSummary] {
        try await all(QueueStatements.summaries(limit: limit)) { QueueSummary($0) }
    }

    /// The queue of this name as a decision would see it.
    package func queue(_ name: String) async throws -> QueueState {
        try await read { connection in
            let rows = try connection.execute([
                QueueStatements.holders(of: [name]), QueueStatements.waiting(in: [name]),
                QueueStatements.counts(of: [name]),
            ])
            return QueueStatements.states(of: [name], holders: rows[0], waiting: rows[1], counts: rows[2])[name]
                ?? QueueState()
        }
    }

    /// What is paused at `now`, the oldest pause first.
    package func pauses(at now: Date) async throws -> [Pause] {
        let clock = clock
        return
            try await all(
                Statement(
                    """
                    select subject, name, paused_by, reason, since, until from @.pauses
                    where until is null or until > $1::timestamptz order by since, subject, name
                    """,
                    [.time(clock.moment(now))]
                )
            ) { row in
                Pause.Subject(row)
                    .map { subject in
                        Pause(
                            subject,
                            by: row.text(2),
                            reason: row.optionalText(3),
                            since: clock.date(row.time(4)),
                            until: row.optionalTime(5).map { clock.date($0) }
                        )
                    }
            }
            .compactMap(\.self)
    }

    /// What is being resumed at a rate.
    package func pacedResumptions() async throws -> [PacedResumption] {
        let clock = clock
        return try await all(ResumeStatements.paced) { PacedResumption($0, clock) }.compactMap(\.self)
    }
}

extension PostgreSQLArchive {
    /// The states of a statement, without damaged ones.
    func states(_ statement: Statement) async throws -> [RuleState] {
        try await all(statement) { RuleState($0) }.compactMap(\.self)
    }
}

extension Pause.Subject {
    /// nil for a subject that is unknown.
    fileprivate init?(_ row: Row) {
        switch row.verbatim(0) {
        case "rule": self = .rule(row.text(1))
        case "account": self = .account(row.text(1))
        case "destination": self = .destination(row.text(1))
        case "everything": self = .everything
        default: return nil
        }
    }
}
