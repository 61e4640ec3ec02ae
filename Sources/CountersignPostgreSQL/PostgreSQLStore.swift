package import CountersignCore
package import CountersignStore
package import Foundation
import Glibc
import Synchronization

/// A store in a database, which several instances may use at the same time.
///
/// Each works by connections of its own: one stores events, one changes everything else, and others read beside them.
package final class PostgreSQLStore: Store, ArchivedStore {
    /// 16 random hex digits, which are made with the schema.
    package let identity: String

    /// Notified when an event was stored, here or by another process.
    package let arrivals = AsyncSignal()

    /// Notified when runs were queued, here or by another process.
    package let queued = AsyncSignal()

    /// Notified when a state of a rule with a due time was stored, here or by another process.
    package let stateChanges = AsyncSignal()

    /// Notified when another process may have activated other rules.
    package let activated = AsyncSignal()

    /// The name of this instance among those that use the store.
    let name: String

    let options: ConnectionOptions
    let clock: DatabaseClock

    /// What this program knows of the schema.
    let schema: SchemaKnowledge

    /// Reads what was committed, beside what writes.
    package let archive: PostgreSQLArchive
    let changes: ChangeWriter

    /// This process among those that use the store.
    let own: OwnInstance

    /// The number of this process among those that use the store; nil in suites.
    var instance: Int64? { own.id }

    /// The streams of this process, those of connections that were lost among them.
    let streams = OwnStreams()

    /// The queues of runs that this process has claimed.
    let claimedQueues = ClaimedQueues()

    /// Tells other instances what there is to do, and hears of it; nil in suites.
    let wakeUps: WakeUps?

    private let events: EventWriter
    private let tally = Tally()
    private let eventThread: ConnectionThread
    private let changeThread: ConnectionThread

    /// Opens a store for writing, and makes it when it is missing.
    ///
    /// - Parameters:
    ///   - options: Where it is.
    ///   - instance: The name of this instance among those that use the store.
    ///   - time: Whose times it uses.
    ///   - timeouts: How long calls may take.
    ///   - plan: The migrations that are known.
    ///   - willUpgrade: Called before a store of an older version is upgraded; what it throws leaves the store as it is.
    /// - Throws: `StoreError`.
    /// - Returns: The store.
    package static func open(
        _ options: ConnectionOptions,
        instance: String = .hostName ?? "localhost",
        time: DatabaseClock.Kind,
        timeouts: Timeouts = Timeouts(),
        plan: MigrationPlan = .published,
        willUpgrade: (StoreUpgrade) throws -> Void = { _ in }
    ) throws -> PostgreSQLStore {
        do {
            let clock = DatabaseClock(time)
            let first = try StoreOpening.open(options, instance, clock, timeouts, plan, willUpgrade)
            let schema = SchemaKnowledge(version: plan.version, leastProgram: first.leastProgram)
            return PostgreSQLStore(options, instance, clock, timeouts, schema, first)
        } catch let error as DatabaseError {
            throw error.storeError(on: options.name)
        }
    }

    private init(
        _ options: ConnectionOptions,
        _ name: String,
        _ clock: DatabaseClock,
        _ timeouts: Timeouts,
        _ schema: SchemaKnowledge,
        _ first: StoreOpening
    ) {
        self.options = options
        self.name = name
        self.schema = schema
        self.clock = clock
        identity = first.identity
        own = OwnInstance(id: first.instance, clock: clock)
        let (place, tally, streams) = (options.name, tally, streams)
        let greeting = Greeting(
            identity: first.identity,
            name: name,
            own: own,
            clock: clock,
            streams: streams,
            schema: schema
        )
        let making: @Sendable () -> Connection = {
            Connection(options, for: .writing, within: timeouts.write) { connection throws(DatabaseError) in
                try greeting.greet(connection)
            }
        }
        let heartbeat = ConnectionThread.Routine.every(.seconds(5)) { greeting.beat(over: $0) }
        eventThread = ConnectionThread("store.events", making: making)
        changeThread = ConnectionThread(
            "store.changes",
            routine: clock.kind == .server ? heartbeat : nil,
            making: making
        )
        events = EventWriter(on: eventThread, name: place, patience: timeouts.event, arrivals: arrivals, tally: tally)
        changes = ChangeWriter(on: changeThread, name: place, patience: timeouts.change, tally: tally)
        events.learn(ofPolls: first.knowsPolls)
        archive = PostgreSQLArchive(
            options,
            identity: first.identity,
            clock: clock,
            schema: schema,
            limit: timeouts.read
        )
        let signals: [WakeUps.Kind: AsyncSignal] = [
            .events: arrivals, .runs: queued, .states: stateChanges, .activation: activated,
        ]
        wakeUps = clock.kind == .server ? WakeUps(options, first, greeting, timeouts, signals) : nil
    }

    /// Finishes the writes that were accepted, and ends the connections; later writes are refused.
    package func close() async {
        let hasStored = events.statistics.operations > 0
        await events.finish()
        if let instance { await leave(instance) }
        if hasStored { wakeUps?.announce(.events) }
        await changes.finish()
        await wakeUps?.finish()
        archive.close()
        eventThread.close()
        changeThread.close()
    }

    /// Says that nothing more comes from this process, so that others evaluate at once what it leaves.
    private func leave(_ instance: Int64) async {
        let leaving = Statement(
            """
            with s as (
                update @.streams set closed_at = clock_timestamp() where id = any($1::int8[]) and closed_at is null
            )
            delete from @.instances where id = $2::int8
            """,
            [.integers(streams.all), .integer(instance)]
        )
        // Where the database cannot be reached, the others find out by themselves after a while.
        _ = try? await changes.change(leaving) { $0.changed }
    }

    /// Notifies all that execute runs, here and elsewhere.
    func announceRuns() {
        queued.notify()
        wakeUps?.announce(.runs)
    }

    /// How many batches were sent again, and how many outcomes had to be asked for.
    package var recoveries: (resent: Int, unknown: Int) { (tally.resentBatches, tally.unknownOutcomes) }
}

extension PostgreSQLStore: OwnedStore {
    /// The counters of both writers together.
    package var statistics: WriteStatistics {
        let (first, second) = (events.statistics, changes.statistics)
        var sum = first
        sum.commits += second.commits
        sum.operations += second.operations
        sum.waiting += second.waiting
        return sum
    }

    /// A database does not lose what it has confirmed, and none of it lies beside it.
    package var lostEvents: LostEvents? { nil }

    /// Whether a newer program has upgraded the schema; learned with each heartbeat and each evaluation.
    package var isOutdated: Bool { schema.isOutdated }

    /// What the server says of itself, one sentence for each matter.
    ///
    /// - Throws: `StoreError`.
    package func facts() async throws -> [StoreFact] {
        let (clock, schema) = (clock, schema)
        return try await archive.read { try ServerFacts.read(over: $0, clock: clock, schema: schema) }
    }
}

extension PostgreSQLStore {
    /// Stores one event, or recognizes it as one that is stored already, once the group commit has returned.
    package func append(_ delivery: Delivery, at now: Date) async throws -> Receipt {
        try await withCheckedThrowingContinuation { continuation in
            append(delivery, at: now) { continuation.resume(with: $0) }
        }
    }

    /// Stores one event in the next group commit.
    ///
    /// `reply` is called once: on the queue of the writer, or before this returns where writing has ended.
    package func append(
        _ delivery: Delivery,
        at now: Date,
        then reply: @escaping @Sendable (Result<Receipt, any Error>) -> Void
    ) {
        let pending = pending(delivery, at: now, reaching: .afterSendingEvent, then: reply)
        FailPoint.beforeStoring.reach()
        events.submit([pending])
    }

    private func pending(
        _ delivery: Delivery,
        at now: Date,
        reaching point: FailPoint,
        then reply: @escaping @Sendable (Result<Receipt, any Error>) -> Void
    ) -> EventWriter.Pending {
        let event = NewEvent(delivery, receivedAt: clock.moment(now), clock: clock)
        return EventWriter.Pending(event: event, point: point, answer: reply)
    }

    /// Stores events in the order given, together with whatever else waits; each has a result of its own.
    package func append(_ batch: [ReceivedDelivery]) async -> [Result<Receipt, any Error>] {
        guard !batch.isEmpty else { return [] }
        return await withCheckedContinuation { continuation in
            let results = BatchResults(count: batch.count) { continuation.resume(returning: $0) }
            FailPoint.beforeStoring.reach()
            events.submit(
                batch.enumerated()
                    .map { index, received in
                        pending(received.delivery, at: received.at, reaching: .afterSendingBatch) {
                            results.set($0, at: index)
                        }
                    }
            )
        }
    }

    /// Keeps a body apart, once for its token, and returns its number.
    package func quarantine(_ body: UnreadableBody, at now: Date) async throws -> Int64? {
        try await changes.change(
            Statement(
                """
                with k as (select id from @.quarantine where token = $4::bytea), n as (
                    insert into @.quarantine (body, reason, received_at, token, proof)
                    select $1::bytea, $2::text, $3::timestamptz, $4::bytea, $5::text where not exists (select 1 from k)
                    returning id
                )
                select id from k union all select id from n
                """,
                [
                    .bytes(body.body), .text(body.reason), .time(clock.moment(now)), .bytes(body.token.bytes),
                    .verbatim(body.proof?.json.text),
                ]
            ),
            size: body.body.count
        ) { $0.first?.integer(0) }
    }

    /// Commits a change of one row within a second, and checks that the write-ahead log can grow by 256 KiB.
    ///
    /// - Throws: `StoreError.cannotWrite`.
    package func confirmWritable() async throws {
        let trial = Statement(
            "update @.instances set seen_at = clock_timestamp() where id = $1::int8",
            [.integer(instance)]
        )
        let (changes, name) = (changes, options.name)
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            let answer = FirstAnswer(continuation)
            // Who asked is answered in time; the trial itself ends when it ends.
            changes.change(trial) { answer.give($0) }
            DispatchQueue.global()
                .asyncAfter(deadline: .now() + 1) {
                    answer.give(.failure(StoreError.unreachable("writing to '\(name)' takes longer than a second")))
                }
        }
    }

    /// Keeps a value in the place of the one that was set before for `key`.
    package func set(_ value: JSON, forKey key: String) async throws {
        try await changes.change(
            Statement(
                """
                insert into @.key_values (key, value) values ($1::text, $2::text)
                on conflict (key) do update set value = excluded.value
                """,
                [.text(key), .verbatim(value.text)]
            )
        ) { _ in }
    }
}

/// Answers the caller once, with what comes first.
private final class FirstAnswer: Sendable {
    private let waiting: Mutex<CheckedContinuation<Void, any Error>?>

    init(_ continuation: CheckedContinuation<Void, any Error>) {
        waiting = Mutex(continuation)
    }

    func give(_ result: Result<Void, any Error>) {
        waiting.withLock { $0.take() }?.resume(with: result)
    }
}

/// Collects the results of a batch, and hands them on when all are there.
private final class BatchResults: Sendable {
    typealias Outcome = Result<Receipt, any Error>

    private let state: Mutex<(results: [Outcome?], missing: Int)>
    private let finish: @Sendable ([Outcome]) -> Void

    init(count: Int, finish: @escaping @Sendable ([Outcome]) -> Void) {
        state = Mutex((Array(repeating: nil, count: count), count))
        self.finish = finish
    }

    func set(_ result: Outcome, at index: Int) {
        let all = state.withLock { state -> [Outcome]? in
            state.results[index] = result
            state.missing -= 1
            return state.missing == 0 ? state.results.compactMap(\.self) : nil
        }
        if let all { finish(all) }
    }
}
