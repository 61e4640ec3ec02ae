package import CountersignCore
package import CountersignStore
package import Foundation

/// What operators order; with a token, each is carried out once, also by two instances.
extension PostgreSQLStore {
    /// Queues a failed run again; throws `StoreError.noSuchRun` or `.wrongState` where that cannot be done.
    package func retry(
        _ run: Run.ID,
        from step: String?,
        by ruleSet: RuleSetVersion?,
        once token: CommandToken?,
        at now: Date
    ) async throws {
        let retry = statements.retry(run, from: step, by: ruleSet, at: now)
        _ = try await change(retry, of: run, wanted: "failed", once: token, at: now)
        announceRuns()
    }

    /// Discards a failed, queued or waiting run; throws `StoreError.noSuchRun` or `.wrongState` where that cannot be done.
    package func discard(_ run: Run.ID, once token: CommandToken?, at now: Date) async throws {
        let discard = statements.discard(run, at: now)
        if try await change(discard, of: run, wanted: "failed, queued or waiting", once: token, at: now) != nil {
            announceRuns()
        }
    }

    /// Changes a run, and gives the slots of its queue that are free then to those that wait; returns the queue.
    private func change(
        _ statement: Statement,
        of run: Run.ID,
        wanted: String,
        once token: CommandToken?,
        at now: Date
    ) async throws -> String? {
        // A run never changes its queue.
        let queue = try await archive.all(QueueStatements.queue(of: run)) { $0.optionalText(0) }.first ?? nil
        let (locks, moment) = (locks(queue), clock.moment(now))
        let followUp = queue.map { QueueStatements.promote($0) }
        guard let token else {
            let make: @Sendable (Connection) throws(DatabaseError) -> Statement = { _ in statement }
            try await changes.change(make, locking: locks, followedBy: followUp) {
                try Self.expectChange($0, of: run, wanted: wanted)
            }
            return queue
        }
        _ = try await changes.transaction { connection in
            try connection.lock(locks)
            return try connection.once(token, at: moment) {
                try Self.expectChange(try connection.execute([statement])[0], of: run, wanted: wanted)
                if let followUp { _ = try connection.execute([followUp]) }
                return []
            }
        }
        return queue
    }

    private static func expectChange(_ rows: Rows, of run: Run.ID, wanted: String) throws {
        guard let row = rows.first else { throw StoreError.noSuchRun(run) }
        guard row.flag(1) else {
            throw StoreError.wrongState(run, Run.State(code: row.integer(0)) ?? .failed, wanted: wanted)
        }
    }

    /// Records the evaluations of a replay, and creates or restarts runs, in one transaction.
    package func replay(
        _ dispatches: [Dispatch],
        restartsEnded: Bool,
        once token: CommandToken?,
        at now: Date
    ) async throws -> [ReplayedRun] {
        let (moment, schema) = (clock.moment(now), options.schema)
        let events = dispatches.map(\.eventID)
        let runs = try await changes.transaction { connection in
            let queues = try connection.execute([QueueStatements.queues(ofEvents: events)])[0].map { $0.text(0) }
            try connection.lock(Set(queues.map { KeyLock(queue: $0, in: schema) }))
            return try connection.once(token, at: moment) {
                var replayed: [ReplayedRun] = []
                for dispatch in dispatches {
                    let replay = Replay(dispatch: dispatch, restartsEnded: restartsEnded, at: moment)
                    replayed += try replay.carryOut(over: connection)
                }
                if !queues.isEmpty { _ = try connection.execute(queues.map { QueueStatements.promote($0) }) }
                return replayed
            }
        }
        if runs.contains(where: { $0.outcome != .unchanged }) { announceRuns() }
        return runs
    }
}

extension Connection {
    /// Does what a command orders, or gives what it came to when it was carried out before; within the transaction that was
    /// begun.
    ///
    /// Another instance that was sent the same one is waited for.
    fileprivate func once(
        _ token: CommandToken?,
        at now: Moment,
        _ work: () throws -> [ReplayedRun]
    ) throws -> [ReplayedRun] {
        guard let token else { return try work() }
        let parameter = Parameter.verbatim(token.text)
        let oldest = Moment(microseconds: now.microseconds - Int64(CommandToken.memory * 1_000_000))
        _ = try rows("delete from @.commands where made_at < $1::timestamptz", [.time(oldest)])
        let made = try rows(
            """
            insert into @.commands (token, made_at, answer) values ($1::text, $2::timestamptz, '[]')
            on conflict do nothing returning token
            """,
            [parameter, .time(now)]
        )
        guard made.count > 0 else {
            let known = try rows("select answer from @.commands where token = $1::text", [parameter]).first?.verbatim(0)
            let runs = known.flatMap { try? JSON(parsing: $0, limits: .stored) }?.array ?? []
            return runs.compactMap { ReplayedRun(kept: $0) }
        }
        let runs = try work()
        _ = try rows(
            "update @.commands set answer = $2::text where token = $1::text",
            [parameter, .verbatim(JSON.array(runs.map(\.kept)).text)]
        )
        return runs
    }
}
