package import CountersignCore
package import CountersignStore
package import Foundation

extension PostgreSQLStore {
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

    /// States that are due by the database's clock, those due first coming first, without those of `rules`.
    package func dueStates(limit: Int, excluding rules: Set<String>, at now: Date) async throws -> [RuleState] {
        try await archive.states(StateStatements.due(limit: limit, excluding: rules, at: clock.moment(now)))
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

    /// Removes states of a rule that were opened before a time, the oldest first; returns how many.
    package func removeStates(
        ofRule id: String,
        kind: RuleState.Kind,
        openedBefore date: Date,
        limit: Int
    ) async throws -> Int {
        let statement = StateStatements.remove(ofRule: id, kind: kind, openedBefore: Moment(date), limit: limit)
        return try await changes.change(statement) { $0.changed }
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
