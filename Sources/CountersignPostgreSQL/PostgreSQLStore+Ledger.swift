package import CountersignCore
package import CountersignStore
package import Foundation

extension PostgreSQLStore {
    /// Instances share it, so only leases tell whose owner is gone.
    package var isShared: Bool { true }

    private var statements: RunStatements { RunStatements(clock: clock) }

    package func undispatched(limit: Int, at now: Date) async throws -> WaitingEvents {
        var waiting = WaitingEvents()
        let own = clock.kind == .server ? streams.all : nil
        for row in try await archive.undispatched(limit: limit, ownStreams: own) {
            do {
                waiting.events.append(try row.event(in: options.name))
            } catch {
                try await setAside(row, because: "\(error)", at: now)
                waiting.damages.append(.init(id: Event.ID(rawValue: row.id), reason: "\(error)"))
            }
        }
        return waiting
    }

    /// Puts a damaged event into the quarantine, so that those behind it go on.
    private func setAside(_ row: EventRow, because reason: String, at now: Date) async throws {
        try await changes.change(
            Statement(
                """
                with w as (delete from @.inbox where event_id = $1::int8 returning event_id), q as (
                    insert into @.quarantine (body, reason, received_at)
                    select $2::bytea, $3::text, $4::timestamptz from w
                )
                insert into @.evaluations (event_id, evaluated_at) select event_id, $4::timestamptz from w
                on conflict do nothing
                """,
                [.integer(row.id), .bytes(row.body), .text(reason), .time(clock.moment(now))]
            )
        ) { _ in }
    }

    package func dispatch(_ dispatches: [Dispatch], at now: Date) async throws {
        guard !dispatches.isEmpty else { return }
        let made = try await changes.change(statements.dispatch(dispatches, at: now)) { $0.first?.count(0) ?? 0 }
        if made > 0 { queued.notify() }
    }

    package func claim(limit: Int, lease: Lease, at now: Date) async throws -> [ClaimedRun] {
        let claim = statements.claim(limit: limit, lease: lease, owner: instance, at: now)
        let found = try await changes.change(claim) { rows in
            rows.map { row in
                let event = row.optionalInteger(Run.columnCount) == nil ? nil : EventRow(row, from: Run.columnCount + 1)
                return (run: Run(row), event: event)
            }
        }
        guard !found.isEmpty else { return [] }
        let records = try await archive.steps(of: found.map(\.run.id))
        var runs: [ClaimedRun] = []
        for (run, event) in found {
            do {
                let row = ClaimedRow(run: run, event: event, records: records[run.id] ?? [])
                runs.append(try row.claimedRun(in: options.name))
            } catch {
                try await giveUp(run, lease, because: "\(error)", at: now)
            }
        }
        return runs
    }

    /// Fails a run whose event or results are damaged, so that it can be seen and the others go on.
    private func giveUp(_ run: Run, _ lease: Lease, because reason: String, at now: Date) async throws {
        let record = StepRecord(
            stepID: nil,
            attempt: 1,
            generation: run.retries,
            status: .failed,
            isFinal: true,
            plan: nil,
            output: nil,
            reason: reason,
            startedAt: now,
            finishedAt: now
        )
        let event = RunFailure(of: run, for: nil, step: nil, reason: reason).delivery(at: now)
        try await release(run.id, lease: lease.id, to: .failed, recording: record, raising: event, at: now)
    }

    package func nextDue() async throws -> Date? { try await archive.nextDue() }

    package func begin(
        stepID: String,
        attempt: Int,
        of run: Run.ID,
        lease: Lease.ID,
        at now: Date
    ) async throws {
        let begin = statements.begin(stepID: stepID, attempt: attempt, of: run, lease: lease, at: now)
        try await changes.change(begin) { rows in
            guard rows.count > 0 else { throw StoreError.leaseLost(run) }
        }
    }

    package func record(_ record: StepRecord, of run: Run.ID, lease: Lease.ID) async throws {
        let statements = statements
        let make: @Sendable (Connection) throws(DatabaseError) -> Statement = { connection throws(DatabaseError) in
            statements.record(record, of: run, lease: lease, stream: connection.stream?.id ?? 0)
        }
        try await changes.change(make, size: record.size) { rows in
            guard rows.count > 0 else { throw StoreError.leaseLost(run) }
        }
    }

    package func release(
        _ run: Run.ID,
        lease: Lease.ID,
        to ending: RunEnding,
        recording record: StepRecord?,
        raising event: Delivery?,
        at now: Date
    ) async throws {
        let raised = event.map { NewEvent($0, receivedAt: clock.moment(now), clock: clock) }
        let statements = statements
        let make: @Sendable (Connection) throws(DatabaseError) -> Statement = { connection throws(DatabaseError) in
            if case .unmatched(let place) = ending { return statements.takeBack(run, lease: lease, place: place) }
            let number = raised == nil ? 0 : try connection.nextNumber()
            return statements.release(
                run,
                lease: lease,
                to: ending,
                recording: record,
                raising: raised.map { ($0, number) },
                stream: connection.stream?.id ?? 0,
                at: now
            )
        }
        let size = (record?.size ?? 0) + (raised?.body.count ?? 0) + 256
        let hasRaised = try await changes.change(make, size: size) { (rows: Rows) throws -> Bool in
            guard let row = rows.first else { throw StoreError.leaseLost(run) }
            return raised != nil && row.flag(1)
        }
        if hasRaised { arrivals.notify() }
        if ending.isQueued { queued.notify() }
    }

    package func keep(package: JSON, of event: Event.ID) async throws -> JSON {
        let kept = try await changes.change(
            Statement(
                """
                insert into @.packages as p (event_id, package) values ($1::int8, $2::bytea)
                on conflict (event_id) do update set package = p.package returning package
                """,
                [.integer(event.rawValue), .bytes(package.bytes)]
            ),
            size: package.bytes.count
        ) { $0.first?.bytes(0) }
        return try kept.map { try JSON(parsing: $0, limits: .stored) } ?? package
    }

    package func renew(_ lease: Lease, at now: Date) async throws {
        try await changes.change(statements.renew(lease, at: now)) { _ in }
    }

    package func rescue(_ whose: RescuedRuns, at now: Date) async throws -> Int {
        let statements = statements
        let rescue: @Sendable (Connection) throws(DatabaseError) -> Statement = { connection throws(DatabaseError) in
            statements.rescue(whose, stream: connection.stream?.id ?? 0, at: now)
        }
        var sum = 0
        while true {
            let count = try await changes.change(rescue) { $0.first?.count(0) ?? 0 }
            sum += count
            if count < RunStatements.mostRescued { break }
        }
        // Whom runs wait for, and until when, only the owner knew.
        if whose == .everyones { try await changes.change(statements.wakeAll(at: now)) { _ in } }
        if sum > 0 { queued.notify() }
        return sum
    }

    package func retry(_ run: Run.ID, from step: String?, by ruleSet: RuleSetVersion?, at now: Date) async throws {
        try await changes.change(statements.retry(run, from: step, by: ruleSet, at: now)) {
            try Self.expectChange($0, of: run, wanted: "failed")
        }
        queued.notify()
    }

    package func discard(_ run: Run.ID, at now: Date) async throws {
        try await changes.change(statements.discard(run, at: now)) {
            try Self.expectChange($0, of: run, wanted: "failed or queued")
        }
    }

    private static func expectChange(_ rows: Rows, of run: Run.ID, wanted: String) throws {
        guard let row = rows.first else { throw StoreError.noSuchRun(run) }
        guard row.flag(1) else {
            throw StoreError.wrongState(run, Run.State(code: row.integer(0)) ?? .failed, wanted: wanted)
        }
    }

    package func replay(_ dispatches: [Dispatch], restartsEnded: Bool, at now: Date) async throws -> [ReplayedRun] {
        let moment = clock.moment(now)
        let runs = try await changes.transaction { connection in
            var replayed: [ReplayedRun] = []
            for dispatch in dispatches {
                let replay = Replay(dispatch: dispatch, restartsEnded: restartsEnded, at: moment)
                replayed += try replay.carryOut(over: connection)
            }
            return replayed
        }
        if runs.contains(where: { $0.outcome != .unchanged }) { queued.notify() }
        return runs
    }

    package func wake(waitingFor destination: String, limit: Int, at now: Date) async throws -> Int {
        let count = try await changes.change(statements.wake(waitingFor: destination, limit: limit, at: now)) {
            $0.changed
        }
        if count > 0 { queued.notify() }
        return count
    }

    package func bringForward(by seconds: TimeInterval, at now: Date) async throws -> Int {
        // Due times go by the database's clock, which was not set back with ours.
        guard clock.kind == .caller else { return 0 }
        let count = try await changes.change(statements.bringForward(by: seconds, at: now)) { $0.changed }
        if count > 0 { queued.notify() }
        return count
    }

    package func keep(ruleSet: RuleSetVersion, sources: JSON, at now: Date) async throws {
        try await changes.change(
            Statement(
                // Always later than the others, whatever the clock says: the latest set is the one active.
                """
                insert into @.rule_sets (version, sources, stored_at)
                values ($1::text, $2::text, greatest($3::timestamptz,
                    (select max(stored_at) + interval '1 millisecond' from @.rule_sets)))
                on conflict (version) do update set stored_at = excluded.stored_at
                """,
                [.verbatim(ruleSet.rawValue), .verbatim(sources.text), .time(clock.moment(now))]
            ),
            size: sources.text.utf8.count
        ) { _ in }
    }
}

extension StepRecord {
    /// About how much of it goes over the connection, in bytes.
    fileprivate var size: Int { 512 + (output?.text.utf8.count ?? 0) + (plan?.text.utf8.count ?? 0) }
}
