package import CountersignCore
package import Foundation
import Synchronization

/// A store that lives as long as the process: for dry runs and tests.
package final class MemoryStore: Store {
    /// 16 random hex digits, new for each store.
    package let identity: String

    /// Notified when an event was stored.
    package let arrivals = AsyncSignal()

    /// Notified when runs were queued.
    package let queued = AsyncSignal()

    /// Notified when a state with a due time was stored.
    package let stateChanges = AsyncSignal()

    /// Never notified: nobody else has the store.
    package let activated = AsyncSignal()

    /// Whether it stands for one that several instances use.
    package let isShared: Bool

    private let contents = Mutex(MemoryContents())

    /// An empty store with a random `identity`.
    package init(isShared: Bool = false) {
        self.isShared = isShared
        let digits = String(UInt64.random(in: .min ... .max), radix: 16)
        identity = String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// Ends writing: every later write throws `StoreError.cannotWrite`, while reads go on.
    package func close() async {
        contents.withLock { $0.isClosed = true }
    }

    /// Looks at what the store holds, without a copy of it.
    func look<Value>(_ body: (inout sending MemoryContents) -> sending Value) -> Value {
        contents.withLock { body(&$0) }
    }

    /// Looks at what the store holds.
    func read<Value>(_ body: (MemoryContents) -> Value) -> Value { contents.withLock { body($0) } }

    /// Changes what the store holds.
    func write<Value>(_ body: (inout sending MemoryContents) throws -> sending Value) throws -> Value {
        try contents.withLock { contents in
            guard !contents.isClosed else { throw StoreError.cannotWrite("the store is closed") }
            return try body(&contents)
        }
    }
}

extension MemoryStore {
    /// Stores one event and notifies `arrivals`, or recognizes it as one that is stored already.
    package func append(_ delivery: Delivery, at now: Date) async throws -> Receipt {
        let receipt = try write { $0.append(delivery, at: now) }
        if case .stored = receipt { arrivals.notify() }
        return receipt
    }

    /// Keeps a body apart that could not be read, once for its token, and returns the number under which it is kept.
    package func quarantine(_ body: UnreadableBody, at now: Date) async throws -> Int64? {
        try write { $0.quarantine(body, at: now) }
    }

    /// The callbacks whose senders have yet to be verified, the oldest first.
    package func unverified(after id: Int64, limit: Int) async throws -> [UnverifiedBody] {
        Array(read { $0.unverified(after: id) }.prefix(limit))
    }

    /// How many there are.
    package func unverifiedTotals() async throws -> UnverifiedTotals {
        let all = read { $0.unverified(after: .min) }
        return UnverifiedTotals(count: all.count, bytes: all.reduce(0) { $0 + $1.body.count })
    }

    /// Forgets the token of a callback, and keeps what became of it.
    package func settleUnverified(_ id: Int64, reason: String) async throws {
        try write { $0.settleUnverified(id, reason: reason) }
    }

    /// Writes nothing; throws `StoreError.cannotWrite` once the store is closed.
    package func confirmWritable() async throws {
        try write { _ in }
    }
}

extension MemoryStore {
    /// Events that meet the query, the newest first; the text of the query is ignored.
    package func events(_ query: EventQuery) async throws -> [StoredEvent] {
        contents.withLock { $0.events(query) }
    }

    /// The numbers of the events that `events` returns, the oldest first.
    package func eventIDs(_ query: EventQuery) async throws -> [Event.ID] {
        contents.withLock { contents in contents.events(query).reversed().map(\.event.id) }
    }

    /// The events behind `position`, the oldest first.
    package func events(after position: EventPosition, limit: Int) async throws -> [StoredEvent] {
        contents.withLock { $0.events(after: position, limit: limit) }
    }

    /// One event with its body; nil when there is none of this number.
    package func event(_ id: Event.ID) async throws -> StoredEvent? {
        contents.withLock { $0.event(id) }
    }

    /// Quarantined bodies that meet the query, the newest first.
    package func quarantined(_ query: QuarantineQuery) async throws -> [QuarantinedBody] {
        let earliest = query.since?.milliseconds ?? .min
        let found = contents.withLock { contents in
            contents.quarantine.filter { $0.receivedAt.milliseconds >= earliest && $0.id < query.before ?? .max }
        }
        return Array(found.reversed().prefix(max(0, query.limit)))
    }

    /// Runs that meet the query, the newest first, without those that were taken back.
    package func runs(_ query: RunQuery) async throws -> [Run] {
        contents.withLock { $0.runs(query) }
    }

    /// One run with its event and attempts; nil when there is none, or when it was taken back.
    package func run(_ id: Run.ID) async throws -> ClaimedRun? {
        contents.withLock { $0.claimedRun(id) }
    }

    /// How many runs are in each state that has any, without those that were taken back.
    package func runCounts() async throws -> [Run.State: Int] {
        contents.withLock { $0.runCounts }
    }

    /// One page of events, the newest first; only a search for a text ends at `EventQuery.searchDepth`.
    package func page(of query: EventQuery) async throws -> EventPage { contents.withLock { $0.page(of: query) } }

    /// One quarantined body; nil when there is none of this number.
    package func quarantined(_ id: Int64) async throws -> QuarantinedBody? {
        contents.withLock { contents in contents.quarantine.first { $0.id == id } }
    }

    /// The evaluations of an event by replays, in their order.
    package func evaluations(of event: Event.ID) async throws -> [Evaluation] {
        contents.withLock { $0.evaluations[event] ?? [] }
    }

    /// One page of packages, found by going through all events.
    package func packages(_ query: PackageQuery) async throws -> PackagePage {
        contents.withLock { $0.packages(query) }
    }

    /// Runs as lists show them, the newest first; none is damaged.
    package func runRows(_ query: RunQuery) async throws -> [RunRow] {
        contents.withLock { $0.runRows(query) }
    }

    /// All attempts of these runs, in the order in which they were made; a run without any is left out.
    package func records(of runs: [Run.ID]) async throws -> [Run.ID: [StepRecord]] {
        contents.withLock { contents in
            contents.runs.filter { runs.contains($0.id) && !$0.records.isEmpty }
                .reduce(into: [:]) { $0[$1.id] = $1.records }
        }
    }

    /// The statistics of these rules; a rule without runs has empty ones.
    package func statistics(ofRules ids: [String], since date: Date) async throws -> [String: RuleStatistics] {
        contents.withLock { $0.statistics(ofRules: ids, since: date) }
    }

    /// The runs of these events, in the order in which they were made.
    package func runs(of events: [Event.ID]) async throws -> [Run] {
        contents.withLock { contents in
            events.flatMap { contents.runs(RunQuery(eventID: $0, limit: .max)) }
                .sorted { $0.id.rawValue < $1.id.rawValue }
        }
    }

    /// How many runs of a rule, or of all rules where `id` is nil, are in a state.
    package func runCount(ofRule id: String?, in state: Run.State) async throws -> Int {
        contents.withLock { $0.runs(RunQuery(ruleID: id, state: state, limit: .max)).count }
    }

    /// How many runs were made in each hour since `date`, in the order of hours, rules and states.
    package func activity(since date: Date) async throws -> [RunCounts] {
        contents.withLock { $0.activity(since: date) }
    }

    /// How many events were stored in each hour since `date`, by the number of the hour since 1970.
    package func arrivals(since date: Date) async throws -> [Int: Int] {
        contents.withLock { $0.arrivals(since: date) }
    }

    /// The events that are not evaluated yet, and the queued runs, as they are at `now`.
    package func backlog(at now: Date) async throws -> Backlog { contents.withLock { $0.backlog(at: now) } }

    /// The times from storing an event to the end of its run, for those of the latest `limit` runs that succeeded.
    package func runTimes(limit: Int) async throws -> [Duration] { contents.withLock { $0.runTimes(limit: limit) } }
}

extension MemoryStore {
    /// The oldest events for which no runs were made yet; none of them is damaged.
    package func undispatched(limit: Int, at _: Date) async throws -> WaitingEvents {
        var waiting = WaitingEvents()
        waiting.events = contents.withLock { $0.undispatched(limit: limit) }
        return waiting
    }

    /// Makes the runs of events, marks the events as dispatched, and notifies `queued` where there are runs.
    package func dispatch(
        _ dispatches: [Dispatch],
        under activation: Activation.Number,
        at now: Date
    ) async throws {
        let made = try write { try $0.dispatch(dispatches, under: activation, at: now) }
        if made > 0 { queued.notify() }
    }

    /// Gives queued runs that are due to `lease`, the longest due first.
    package func claim(limit: Int, lease: Lease, at now: Date) async throws -> [ClaimedRun] {
        try write { $0.claim(limit: limit, lease: lease, at: now) }
    }

    /// The earliest due time of a queued run; nil when none is queued.
    package func nextDue() async throws -> Date? {
        contents.withLock { $0.nextDue }
    }

    /// Writes down that an attempt at a step is under way, for `rescue` to find.
    package func begin(
        stepID: String,
        attempt: Int,
        of run: Run.ID,
        lease: Lease.ID,
        at now: Date
    ) async throws {
        try write { try $0.begin(stepID: stepID, attempt: attempt, of: run, lease: lease, at: now) }
    }

    /// Adds one attempt to a running run; throws `StoreError.leaseLost` when it no longer belongs to `lease`.
    package func record(_ record: StepRecord, of run: Run.ID, lease: Lease.ID) async throws {
        try write { try $0.record(record, of: run, lease: lease) }
    }

    /// Ends the work of `lease` on a run and stores the event that this raises, all or nothing.
    package func release(
        _ run: Run.ID,
        lease: Lease.ID,
        to ending: RunEnding,
        recording record: StepRecord?,
        raising event: Delivery?,
        at now: Date
    ) async throws {
        let (receipt, isHandedOver) = try write { contents in
            let before = contents.handovers
            try contents.release(run, lease: lease, to: ending, recording: record, at: now)
            return (event.map { contents.append($0, at: now) }, contents.handovers > before)
        }
        if case .stored? = receipt { arrivals.notify() }
        if ending.isQueued || isHandedOver { queued.notify() }
    }

    /// Keeps the package of an event, unless one is kept already; returns the one that is kept.
    package func keep(package: JSON, of event: Event.ID) async throws -> JSON {
        try write { $0.keep(package: package, of: event) }
    }

    /// Makes the lease of its runs last from `now` on.
    package func renew(_ lease: Lease, at now: Date) async throws {
        try write { $0.renew(lease, at: now) }
    }

    /// Queues running runs again whose owner is gone, and returns how many there were.
    package func rescue(_ whose: RescuedRuns, at now: Date) async throws -> Int {
        let count = try write { $0.rescue(whose, at: now) }
        if count > 0 { queued.notify() }
        return count
    }

    /// Queues a failed run again; throws `StoreError.noSuchRun` or `.wrongState` where that cannot be done.
    package func retry(
        _ run: Run.ID,
        from step: String?,
        by ruleSet: RuleSetVersion?,
        once token: CommandToken?,
        at now: Date
    ) async throws {
        try write { contents in
            _ = try contents.once(token, at: now) {
                try $0.retry(run, from: step, by: ruleSet, at: now)
                return []
            }
        }
        queued.notify()
    }

    /// Records the evaluations of a replay, and creates or restarts runs.
    package func replay(
        _ dispatches: [Dispatch],
        restartsEnded: Bool,
        once token: CommandToken?,
        at now: Date
    ) async throws -> [ReplayedRun] {
        let runs = try write { contents in
            contents.once(token, at: now) { $0.replay(dispatches, restartsEnded: restartsEnded, at: now) }
        }
        if runs.contains(where: { $0.outcome != .unchanged }) { queued.notify() }
        return runs
    }

    /// Makes runs that wait for `destination` due, those that were made first; returns how many.
    package func wake(waitingFor destination: String, limit: Int, at now: Date) async throws -> Int {
        let count = try write { $0.wake(waitingFor: destination, limit: limit, at: now) }
        if count > 0 { queued.notify() }
        return count
    }

    /// Makes runs and states that are due later, and follow the clock, due earlier by `seconds`; returns how many.
    package func bringForward(by seconds: TimeInterval, at now: Date) async throws -> Int {
        let count = try write { $0.bringForward(by: seconds, at: now) }
        if count > 0 {
            queued.notify()
            stateChanges.notify()
        }
        return count
    }

    /// Discards a run that does not run; throws `StoreError.noSuchRun` or `.wrongState` where that cannot be done.
    package func discard(_ run: Run.ID, once token: CommandToken?, at now: Date) async throws {
        let isHandedOver = try write { contents in
            let before = contents.handovers
            _ = try contents.once(token, at: now) {
                try $0.discard(run, at: now)
                return []
            }
            return contents.handovers > before
        }
        if isHandedOver { queued.notify() }
    }

    /// Activates a rule set; nil where `number` is not the newest activation.
    package func activate(
        _ rules: ProposedRules,
        after number: Activation.Number,
        at now: Date
    ) async throws -> Activation? {
        try write { contents in
            guard number == contents.activations.last?.number ?? 0 else { return nil }
            contents.ruleSets[rules.ruleSet] = contents.ruleSets[rules.ruleSet] ?? rules.sources
            let activation = Activation(
                number: number + 1,
                ruleSet: rules.ruleSet,
                since: now.stored,
                instance: rules.instance,
                reason: rules.reason
            )
            contents.activations.append(activation)
            return activation
        }
    }

    /// The value that was set last for `key`; nil when there is none.
    package func value(forKey key: String) async throws -> JSON? {
        contents.withLock { $0.values[key] }
    }

    /// Keeps a value in the place of the one that was set before for `key`.
    package func set(_ value: JSON, forKey key: String) async throws {
        try write { $0.values[key] = value }
    }

    /// The active rule set; nil before the first one.
    package func activation() async throws -> Activation? { contents.withLock { $0.activations.last } }

    /// When this rule set was activated last; nil where it never was.
    package func activation(of ruleSet: RuleSetVersion) async throws -> Activation? {
        contents.withLock { $0.activations.last { $0.ruleSet == ruleSet } }
    }

    /// The sources of a rule set; nil when it was never kept.
    package func sources(of ruleSet: RuleSetVersion) async throws -> JSON? {
        contents.withLock { $0.ruleSets[ruleSet] }
    }
}
