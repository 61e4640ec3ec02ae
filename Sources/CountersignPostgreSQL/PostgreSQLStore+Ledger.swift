package import CountersignCore
package import CountersignStore
package import Foundation

extension PostgreSQLStore {
    /// Instances share it, so only leases tell whose owner is gone.
    package var isShared: Bool { true }

    var statements: RunStatements { RunStatements(clock: clock, program: schema.version) }

    /// The oldest events without runs; a damaged one is put into quarantine and marked as dispatched.
    package func undispatched(limit: Int, at now: Date) async throws -> WaitingEvents {
        guard !schema.isOutdated else { throw schema.refusal(options.name) }
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

    /// Makes the runs of events in one transaction, and notifies `queued` where there are runs.
    package func dispatch(
        _ dispatches: [Dispatch],
        under activation: Activation.Number,
        at now: Date
    ) async throws {
        guard !dispatches.isEmpty else { return }
        let (schema, name) = (schema, options.name)
        let made = try await changes.change(
            statements.dispatch(dispatches, under: activation, at: now),
            behind: .sharedActivations(options.schema),
            reaching: .afterSendingDispatch
        ) { rows in
            guard let row = rows.first else { throw StoreError.activationChanged }
            schema.learn(leastProgram: row.count(2))
            if schema.isOutdated { throw schema.refusal(name) }
            guard row.flag(1) else { throw StoreError.activationChanged }
            return row.count(0)
        }
        guard made > 0 else { return }
        queued.notify()
        wakeUps?.announceOwnRuns()
    }

    /// Gives queued runs that are due to `lease`; one that is damaged fails and is not returned.
    package func claim(limit: Int, lease: Lease, at now: Date) async throws -> [ClaimedRun] {
        let claim = statements.claim(limit: limit, lease: lease, owner: instance, instance: name, at: now)
        let found = try await changes.change(claim, reaching: .afterSendingClaim) { rows in
            rows.map { row in
                let event = row.optionalInteger(Run.columnCount) == nil ? nil : EventRow(row, from: Run.columnCount + 1)
                return (run: Run(row), event: event)
            }
        }
        guard !found.isEmpty else { return [] }
        claimedQueues.add(found.map(\.run))
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

    /// The earliest due time of a queued run; nil when none is queued.
    package func nextDue() async throws -> Date? { try await archive.nextDue(of: name) }

    /// Writes down that an attempt at a step is under way, for `rescue` to find.
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

    /// Writes down one attempt; throws `StoreError.leaseLost` when the run no longer belongs to `lease`.
    package func record(_ record: StepRecord, of run: Run.ID, lease: Lease.ID) async throws {
        let statements = statements
        let make: @Sendable (Connection) throws(DatabaseError) -> Statement = { connection throws(DatabaseError) in
            statements.record(record, of: run, lease: lease, stream: connection.stream?.id ?? 0)
        }
        try await changes.change(make, size: record.size, reaching: .afterSendingResult) { rows in
            guard rows.count > 0 else { throw StoreError.leaseLost(run) }
        }
    }

    /// Ends the work of `lease` on a run and stores the event that this raises, in one transaction.
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
        // A run that goes on keeps its slot.
        let freed = ending.isQueued ? nil : try await queue(of: run)
        if ending.isQueued { _ = claimedQueues.take(run) }
        let hasRaised = try await changes.change(
            make,
            locking: locks(freed),
            followedBy: freed.map { QueueStatements.promote($0) },
            size: size,
            reaching: .afterSendingRelease
        ) { (rows: Rows) throws -> Bool in
            guard let row = rows.first else { throw StoreError.leaseLost(run) }
            return raised != nil && row.flag(1)
        }
        if hasRaised { arrivals.notify() }
        if ending.isQueued || freed != nil { queued.notify() }
        if freed != nil { wakeUps?.announceOwnRuns() }
    }

    /// Keeps the package of an event, unless one is kept already; returns the one that is kept.
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

    /// Makes the lease of its runs last from `now` on.
    package func renew(_ lease: Lease, at now: Date) async throws {
        try await changes.change(statements.renew(lease, at: now)) { _ in }
    }

    /// Queues running runs again whose owner is gone, and returns how many there were.
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
        if sum > 0 { announceRuns() }
        return sum
    }

    /// Makes runs that wait for `destination` due, those that were made first; returns how many.
    package func wake(waitingFor destination: String, limit: Int, at now: Date) async throws -> Int {
        let count = try await changes.change(statements.wake(waitingFor: destination, limit: limit, at: now)) {
            $0.changed
        }
        if count > 0 { announceRuns() }
        return count
    }

    /// Makes runs and states that are due later, and follow the clock, due earlier by `seconds`; returns how many.
    package func bringForward(by seconds: TimeInterval, at now: Date) async throws -> Int {
        // Due times are of the database's clock, which was not set back with ours.
        guard clock.kind == .caller else { return 0 }
        let count = try await changes.change(statements.bringForward(by: seconds, at: now)) { $0.changed }
        if count > 0 {
            queued.notify()
            stateChanges.notify()
        }
        return count
    }
}

extension StepRecord {
    /// About how much of it goes over the connection, in bytes.
    fileprivate var size: Int { 512 + (output?.text.utf8.count ?? 0) + (plan?.text.utf8.count ?? 0) }
}
