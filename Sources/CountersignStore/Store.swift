package import CountersignCore
package import Foundation

/// Where events, runs and rule sets are kept: inbox, ledger and archive over one set of transactions.
package protocol Store: Inbox, Ledger, Archive, TailingStore, KeyValueStore, ActivatingStore, SingletonStore,
    CircuitStore, RuleStateStore, PausingStore, UnverifiedStore
{
    /// Writes what is still waiting to be written and closes the files.
    func close() async
}

/// What stores events.
///
/// When a call returns, what it was given is on stable storage.
package protocol Inbox: Sendable {
    /// A random word made with the store; with the number of an event it names the event all over the world.
    var identity: String { get }

    /// Stores one event, or recognizes it as one that is stored already.
    ///
    /// A delivery that is handed in again, by its token, is the same event, and no duplicate is counted.
    ///
    /// What a poll found is stored only where its package has no event of this name. The callback of it that comes later is
    /// recognized, and takes its place: only the first one, made up to `Delivery.pollTolerance` after the poll.
    ///
    /// - Throws: `StoreError`.
    /// - Returns: The number of the event, and whether it is new.
    func append(_ delivery: Delivery, at now: Date) async throws -> Receipt

    /// Stores one event for a caller that is no task; `reply` is called once, on any thread.
    func append(
        _ delivery: Delivery,
        at now: Date,
        then reply: @escaping @Sendable (Result<Receipt, any Error>) -> Void
    )

    /// Stores events in the order given, in as few transactions as the store can; each has a result of its own.
    func append(_ batch: [ReceivedDelivery]) async -> [Result<Receipt, any Error>]

    /// Keeps a body apart that could not be read as an event, once for its token.
    ///
    /// - Throws: `StoreError`.
    /// - Returns: The number under which it is kept; nil while it is only in the spool.
    func quarantine(_ body: UnreadableBody, at now: Date) async throws -> Int64?

    /// Commits a small write, so that a store that cannot write, or not within a second, is noticed.
    ///
    /// - Throws: `StoreError`.
    func confirmWritable() async throws

    /// Notified when an event was stored.
    var arrivals: AsyncSignal { get }
}

extension Inbox {
    /// Stores events one by one, for a store that has no faster way.
    package func append(_ batch: [ReceivedDelivery]) async -> [Result<Receipt, any Error>] {
        var results: [Result<Receipt, any Error>] = []
        for received in batch {
            do {
                results.append(.success(try await append(received.delivery, at: received.at)))
            } catch {
                results.append(.failure(error))
            }
        }
        return results
    }

    /// Stores one event in a new task, for a store that has no faster way; `reply` is called once, on any thread.
    package func append(
        _ delivery: Delivery,
        at now: Date,
        then reply: @escaping @Sendable (Result<Receipt, any Error>) -> Void
    ) {
        Task {
            do {
                reply(.success(try await append(delivery, at: now)))
            } catch {
                reply(.failure(error))
            }
        }
    }

    /// Keeps a body apart for a caller that is no task; `reply` is called once, on any thread.
    package func quarantine(
        _ body: UnreadableBody,
        at now: Date,
        then reply: @escaping @Sendable (Result<Int64?, any Error>) -> Void
    ) {
        Task {
            do {
                reply(.success(try await quarantine(body, at: now)))
            } catch {
                reply(.failure(error))
            }
        }
    }
}

/// What keeps small facts that outlive the process, each under a name.
package protocol KeyValueStore: Sendable {
    /// Keeps a fact in the place of what was under its name.
    ///
    /// - Throws: `StoreError`.
    func set(_ value: JSON, forKey key: String) async throws
}

/// A delivery with the time at which it was received.
package struct ReceivedDelivery: Sendable {
    /// The event.
    package let delivery: Delivery

    /// When it was received.
    package let at: Date

    /// A delivery and its time.
    package init(_ delivery: Delivery, at: Date) {
        self.delivery = delivery
        self.at = at
    }
}

/// What became of a delivery.
package enum Receipt: Sendable, Equatable {
    case stored(Event.ID)
    case duplicate(of: Event.ID)
    /// It is on stable storage in the spool, and has no number yet.
    case spooled

    /// The event that is stored.
    ///
    /// - Throws: `StoreError.spooled` while it has no number.
    package var eventID: Event.ID {
        get throws {
            switch self {
            case .stored(let id), .duplicate(let id): id
            case .spooled: throw StoreError.spooled
            }
        }
    }
}

/// What the engine reads and writes.
///
/// Each call is one transaction; when it returns, it is on stable storage.
package protocol Ledger: Sendable {
    /// Whether other processes may own runs of it at the same time; where none may, a start finds all owners dead.
    var isShared: Bool { get }

    /// Stored events for which no runs were made yet; what cannot be read is put into quarantine.
    ///
    /// At most `WaitingEvents.mostBytes` of bodies and one body more.
    func undispatched(limit: Int, at now: Date) async throws -> WaitingEvents

    /// Makes the runs of events and marks the events as dispatched, all or nothing.
    ///
    /// An event that is dispatched already is left as it is: a run is made once, whatever crashes.
    ///
    /// - Throws: `StoreError.activationChanged` where `activation` is no longer the newest one; nothing was made then.
    func dispatch(_ dispatches: [Dispatch], under activation: Activation.Number, at now: Date) async throws

    /// Gives queued and waiting runs that are due to `lease`, the longest due first; none that waits for a slot of its queue.
    func claim(limit: Int, lease: Lease, at now: Date) async throws -> [ClaimedRun]

    /// The earliest due time of a run that `claim` would give; nil when there is none.
    func nextDue() async throws -> Date?

    /// Writes down that an attempt at a step is under way, so that an owner's death leaves a record of it.
    ///
    /// `record` and `release` end it; `rescue` writes it down as interrupted.
    ///
    /// - Throws: `StoreError.leaseLost` when the run no longer belongs to `lease`.
    func begin(stepID: String, attempt: Int, of run: Run.ID, lease: Lease.ID, at now: Date) async throws

    /// Writes down one attempt of a running run.
    ///
    /// - Throws: `StoreError.leaseLost` when the run no longer belongs to `lease`.
    func record(_ record: StepRecord, of run: Run.ID, lease: Lease.ID) async throws

    /// Ends the work of `lease` on a run, together with the last record where there is one, and stores the event that the
    /// ending raises: all of it, or nothing.
    ///
    /// - Throws: `StoreError.leaseLost` when the run no longer belongs to `lease`.
    func release(
        _ run: Run.ID,
        lease: Lease.ID,
        to ending: RunEnding,
        recording record: StepRecord?,
        raising event: Delivery?,
        at now: Date
    ) async throws

    /// Keeps the package that an event is about, unless one is kept already; gives the one that is kept.
    ///
    /// - Throws: `StoreError`.
    func keep(package: JSON, of event: Event.ID) async throws -> JSON

    /// Makes a lease last longer; one that has ended is renewed too, as long as nobody rescued its runs.
    func renew(_ lease: Lease, at now: Date) async throws

    /// Queues running runs again whose owner is gone.
    ///
    /// With every owner dead, runs that wait for a destination are due as well.
    ///
    /// - Returns: How many runs were queued again.
    func rescue(_ whose: RescuedRuns, at now: Date) async throws -> Int

    /// Queues a failed run again, from the step that failed or from the one of the id `step`; once for each token.
    ///
    /// Results of earlier steps stay. It goes on by the rule set that is given, or by the one that it was made by.
    ///
    /// - Throws: `StoreError.noSuchRun`, `StoreError.wrongState`.
    func retry(
        _ run: Run.ID,
        from step: String?,
        by ruleSet: RuleSetVersion?,
        once token: CommandToken?,
        at now: Date
    ) async throws

    /// Makes runs of events that were dispatched before, all or nothing; with `restartsEnded`, runs that have ended begin
    /// again from their first step, by the rule set that the dispatch names. A token that was seen gives the same answer.
    func replay(
        _ dispatches: [Dispatch],
        restartsEnded: Bool,
        once token: CommandToken?,
        at now: Date
    ) async throws -> [ReplayedRun]

    /// Makes runs that wait for `destination` due, those that were made first; returns how many.
    func wake(waitingFor destination: String, limit: Int, at now: Date) async throws -> Int

    /// Makes what is due later due earlier by `seconds`, at `now` at the earliest: the clock was set back.
    ///
    /// That is queued runs, runs that wait for a time (the last plan has `for`), and states whose due time follows the clock:
    /// see `RuleState.followsClock`. What waits until a time that an event or a rule names keeps it.
    ///
    /// - Throws: `StoreError`.
    /// - Returns: How many runs and states there were.
    func bringForward(by seconds: TimeInterval, at now: Date) async throws -> Int

    /// Gives up a failed, queued or waiting run; once for each token.
    ///
    /// - Throws: `StoreError.noSuchRun`, `StoreError.wrongState`.
    func discard(_ run: Run.ID, once token: CommandToken?, at now: Date) async throws

    /// Notified when runs were queued.
    var queued: AsyncSignal { get }
}

extension Ledger {
    /// No: one process has the store alone.
    package var isShared: Bool { false }

    /// Ends the work of `lease` on a run, together with the last record where there is one.
    ///
    /// - Throws: `StoreError.leaseLost` when the run no longer belongs to `lease`.
    package func release(
        _ run: Run.ID,
        lease: Lease.ID,
        to ending: RunEnding,
        recording record: StepRecord?,
        at now: Date
    ) async throws {
        try await release(run, lease: lease, to: ending, recording: record, raising: nil, at: now)
    }

    /// Queues a failed run again, from the step that failed.
    ///
    /// - Throws: `StoreError.noSuchRun`, `StoreError.wrongState`.
    package func retry(_ run: Run.ID, at now: Date) async throws {
        try await retry(run, from: nil, at: now)
    }

    /// Queues a failed run again, by the rule set that it was made by.
    package func retry(_ run: Run.ID, from step: String?, at now: Date) async throws {
        try await retry(run, from: step, by: nil, at: now)
    }

    /// Queues a failed run again, by a command that is sent once.
    package func retry(_ run: Run.ID, from step: String?, by ruleSet: RuleSetVersion?, at now: Date) async throws {
        try await retry(run, from: step, by: ruleSet, once: nil, at: now)
    }

    /// Replays events, by a command that is sent once.
    package func replay(_ dispatches: [Dispatch], restartsEnded: Bool, at now: Date) async throws -> [ReplayedRun] {
        try await replay(dispatches, restartsEnded: restartsEnded, once: nil, at: now)
    }

    /// Gives up a failed, queued or waiting run, by a command that is sent once.
    package func discard(_ run: Run.ID, at now: Date) async throws { try await discard(run, once: nil, at: now) }
}

/// The right to work on runs for a time, which the store measures by its own clock.
package struct Lease: Sendable {
    /// What identifies a lease; each claim makes a new one.
    package typealias ID = String

    /// The id that the store keeps with each run of the lease; results are recorded only under it.
    package let id: ID

    /// How long it holds from the claim, or from the latest renewal.
    package let duration: Duration

    /// A lease that expires `duration` after a claim or a renewal.
    package init(id: ID, for duration: Duration) {
        self.id = id
        self.duration = duration
    }
}

/// Whose running runs are queued again.
package enum RescuedRuns: Sendable {
    /// Those of all owners: whoever owned them before is gone, since this process alone has the store.
    case everyones
    /// Those whose lease has expired.
    case expired
}

/// A run with all that is needed to go on with it.
package struct ClaimedRun: Sendable {
    /// The run, as the claim left it where it was claimed.
    package let run: Run

    /// The event that the run is for, with its package where that is kept.
    package let event: Event

    /// The attempts so far, in the order in which they were made.
    package let records: [StepRecord]

    /// What of the run or its event is damaged, as a sentence; nil where both are whole.
    package let damage: String?

    /// A run as a store read it; `damage` is nil where the run and its event are intact.
    package init(run: Run, event: Event, records: [StepRecord], damage: String? = nil) {
        self.run = run
        self.event = event
        self.records = records
        self.damage = damage
    }
}

/// What becomes of a run when its worker lets go of it.
package enum RunEnding: Sendable, Equatable {
    case succeeded
    case failed
    /// It goes on at the given time, or at once for a worker that stops.
    case queued(dueAt: Date)
    /// It goes on when what it waits for is free, or at the given time.
    case waiting(RunWait, dueAt: Date)
    /// It is in a step `wait` and goes on at the given time.
    case paused(until: Date)
    /// An event that meets the rule's `unless` came before its first step: it is discarded, and the decision says so.
    case cancelled(Decision)
    /// The rule does not match after all, now that the package is known: the run is taken back, and the result on the rule
    /// at this place of its set.
    case unmatched(place: Int)

    /// Whether the run goes on by itself.
    package var isQueued: Bool {
        switch self {
        case .queued, .waiting, .paused: true
        case .succeeded, .failed, .unmatched, .cancelled: false
        }
    }
}
