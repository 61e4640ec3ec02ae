package import CountersignCore
package import CountersignStore
package import Foundation

extension PostgreSQLStore: RuleStateStore {
    /// Locks, reads, decides and writes, in one transaction of two round trips.
    ///
    /// An event that another instance evaluates at the same time is not among those that wait.
    package func decide(
        on basis: DecisionBasis,
        reading request: StateRequest,
        under activation: Activation.Number?,
        at now: Date,
        _ body: @escaping @Sendable (StateSnapshot) throws -> StateOutcome
    ) async throws -> [Decision] {
        let reading = SnapshotReading(basis, request, under: activation, in: options, schema)
        let clock = clock
        let written = try await changes.decide(reaching: .afterSendingDispatch, reading: reading.statements) {
            rows,
            connection in
            let snapshot = try reading.snapshot(rows)
            let outcome = try body(snapshot)
            let writing = OutcomeWriting(outcome: outcome, waiting: snapshot.waiting, clock: clock, now: now)
            var statements = try writing.statements(over: connection)
            if case .lookUp(let run, let lease) = basis { statements.append(Self.replace(run, lease)) }
            return (statements, writing.look, { (decisions: writing.decisions($0), outcome: outcome) })
        }
        if case .lookUp(let run, _) = basis { _ = claimedQueues.take(run) }
        announce(written.outcome, ofQueues: !request.queues.isEmpty)
        return written.decisions
    }

    /// Removes a run that looked up the package for a decision; the match of its event stays.
    private static func replace(_ run: Run.ID, _ lease: Lease.ID) -> Statement {
        Statement(
            "delete from @.runs where id = $1::int8 and state = 1 and lease = $2::text",
            [.integer(run.rawValue), .text(lease)]
        )
    }

    private func announce(_ outcome: StateOutcome, ofQueues hasQueues: Bool) {
        if !outcome.raised.isEmpty { arrivals.notify() }
        let hasRuns =
            !outcome.runs.isEmpty || !outcome.moved.isEmpty || outcome.dispatches.contains { !$0.ruleIDs.isEmpty }
        // Who claimed meanwhile passed over the runs that were held for the decision.
        if hasRuns || hasQueues { queued.notify() }
        if hasRuns { wakeUps?.announceOwnRuns() }
        let hasTimes = outcome.changes.contains { if case .set(let state) = $0 { state.dueAt != nil } else { false } }
        guard hasTimes else { return }
        stateChanges.notify()
        wakeUps?.announceStates()
    }

    /// States that are due by the database's clock, those due first coming first.
    package func dueStates(limit: Int, at now: Date) async throws -> [RuleState] {
        try await archive.states(StateStatements.due(limit: limit, at: clock.moment(now)))
    }

    /// By our clock, by which whoever asks waits for it.
    package func nextDueState() async throws -> Date? {
        let clock = clock
        return try await archive.all(StateStatements.nextDue) { clock.date($0.time(0)) }.first
    }

    /// Removes states that are of no use any more, `limit` at most; returns how many.
    package func removeExpiredStates(limit: Int, at now: Date) async throws -> Int {
        try await changes.change(StateStatements.removeExpired(limit: limit, at: clock.moment(now))) { $0.changed }
    }

    /// States that meet a query.
    package func states(_ query: StateQuery) async throws -> [RuleState] {
        try await archive.states(StateStatements.states(query))
    }

    /// One state; nil where it is closed.
    package func state(_ id: RuleState.ID) async throws -> RuleState? {
        try await archive.states(StateStatements.state(id)).first
    }

    /// How many states there are, for each rule and kind that has any.
    package func stateCounts() async throws -> [StateCount] {
        try await archive.all(StateStatements.counts) { StateCount($0) }.compactMap(\.self)
    }

    /// The events that are gathered for a key, the oldest number first.
    package func gathered(of key: StateKey) async throws -> [Event.ID] {
        try await archive.all(StateStatements.gathered(of: [key])) { Event.ID(rawValue: $0.integer(0)) }
    }

    /// What became of an event at the rules with state, in the order in which it was decided.
    package func decisions(of event: Event.ID) async throws -> [Decision] {
        try await archive.all(StateStatements.decisions(of: event)) { Decision($0) }.compactMap(\.self)
    }

    /// The stored events that a decision would look back at.
    package func history(_ query: HistoryQuery) async throws -> EventHistory {
        let reading = SnapshotReading.history(query, in: options.name)
        guard !reading.statements.isEmpty else { return EventHistory(events: []) }
        return try await archive.read { try reading.decode($0.execute(reading.statements)) }
    }

    /// The queues in which runs wait, or that a failed run holds, those that wait longest coming first.
    package func queues(limit: Int) async throws -> [QueueSummary] {
        try await archive.all(QueueStatements.summaries(limit: limit)) { QueueSummary($0) }
    }

    /// The queue of this name as a decision would see it.
    package func queue(_ name: String) async throws -> QueueState {
        try await archive.read { connection in
            let rows = try connection.execute([
                QueueStatements.holders(of: [name]), QueueStatements.waiting(in: [name]),
                QueueStatements.counts(of: [name]),
            ])
            return QueueStatements.states(of: [name], holders: rows[0], waiting: rows[1], counts: rows[2])[name]
                ?? QueueState()
        }
    }
}

extension PostgreSQLArchive {
    /// The states of a statement, without damaged ones.
    fileprivate func states(_ statement: Statement) async throws -> [RuleState] {
        try await all(statement) { RuleState($0) }.compactMap(\.self)
    }
}

extension PostgreSQLStore {
    /// The queue of a run that is let go of, for who frees its slot; nil for a run that waits for no other.
    func queue(of run: Run.ID) async throws -> String? {
        if let known = claimedQueues.take(run) { return known }
        return try await archive.all(QueueStatements.queue(of: run)) { $0.optionalText(0) }.first ?? nil
    }

    /// The lock of a queue; none without one.
    func locks(_ queue: String?) -> Set<KeyLock> { queue.map { [KeyLock(queue: $0, in: options.schema)] } ?? [] }
}
