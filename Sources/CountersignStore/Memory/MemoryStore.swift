package import CountersignCore
package import Foundation
import Synchronization

/// A store that lives as long as the process: for dry runs and tests.
package final class MemoryStore: Store {
    package let identity: String
    package let arrivals = AsyncSignal()
    package let queued = AsyncSignal()

    private let contents = Mutex(MemoryContents())

    package init() {
        let digits = String(UInt64.random(in: .min ... .max), radix: 16)
        identity = String(repeating: "0", count: 16 - digits.count) + digits
    }

    package func close() async {
        contents.withLock { $0.isClosed = true }
    }

    private func write<Value>(_ body: (inout sending MemoryContents) throws -> sending Value) throws -> Value {
        try contents.withLock { contents in
            guard !contents.isClosed else { throw StoreError.cannotWrite("the store is closed") }
            return try body(&contents)
        }
    }
}

extension MemoryStore {
    package func append(_ delivery: Delivery, at now: Date) async throws -> Receipt {
        let receipt = try write { $0.append(delivery, at: now) }
        if case .stored = receipt { arrivals.notify() }
        return receipt
    }

    package func quarantine(_ body: UnreadableBody, at now: Date) async throws -> Int64? {
        try write { $0.quarantine(body, at: now) }
    }

    package func confirmWritable() async throws {
        try write { _ in }
    }
}

extension MemoryStore {
    package func events(_ query: EventQuery) async throws -> [StoredEvent] {
        contents.withLock { $0.events(query) }
    }

    package func eventIDs(_ query: EventQuery) async throws -> [Event.ID] {
        contents.withLock { contents in contents.events(query).reversed().map(\.event.id) }
    }

    package func events(after position: EventPosition, limit: Int) async throws -> [StoredEvent] {
        contents.withLock { $0.events(after: position, limit: limit) }
    }

    package func event(_ id: Event.ID) async throws -> StoredEvent? {
        contents.withLock { $0.event(id) }
    }

    package func quarantined(_ query: QuarantineQuery) async throws -> [QuarantinedBody] {
        let earliest = query.since?.milliseconds ?? .min
        let found = contents.withLock { contents in
            contents.quarantine.filter { $0.receivedAt.milliseconds >= earliest && $0.id < query.before ?? .max }
        }
        return Array(found.reversed().prefix(max(0, query.limit)))
    }

    package func runs(_ query: RunQuery) async throws -> [Run] {
        contents.withLock { $0.runs(query) }
    }

    package func run(_ id: Run.ID) async throws -> ClaimedRun? {
        contents.withLock { $0.claimedRun(id) }
    }

    package func runCounts() async throws -> [Run.State: Int] {
        contents.withLock { $0.runCounts }
    }

    package func page(of query: EventQuery) async throws -> EventPage { contents.withLock { $0.page(of: query) } }

    package func quarantined(_ id: Int64) async throws -> QuarantinedBody? {
        contents.withLock { contents in contents.quarantine.first { $0.id == id } }
    }

    package func evaluations(of event: Event.ID) async throws -> [Evaluation] {
        contents.withLock { $0.evaluations[event] ?? [] }
    }

    package func packages(_ query: PackageQuery) async throws -> PackagePage {
        contents.withLock { $0.packages(query) }
    }

    package func runRows(_ query: RunQuery) async throws -> [RunRow] {
        contents.withLock { $0.runRows(query) }
    }

    package func records(of runs: [Run.ID]) async throws -> [Run.ID: [StepRecord]] {
        contents.withLock { contents in
            contents.runs.filter { runs.contains($0.id) && !$0.records.isEmpty }
                .reduce(into: [:]) { $0[$1.id] = $1.records }
        }
    }

    package func statistics(ofRules ids: [String], since date: Date) async throws -> [String: RuleStatistics] {
        contents.withLock { $0.statistics(ofRules: ids, since: date) }
    }

    package func runs(of events: [Event.ID]) async throws -> [Run] {
        contents.withLock { contents in
            events.flatMap { contents.runs(RunQuery(eventID: $0, limit: .max)) }
                .sorted { $0.id.rawValue < $1.id.rawValue }
        }
    }

    package func runCount(ofRule id: String?, in state: Run.State) async throws -> Int {
        contents.withLock { $0.runs(RunQuery(ruleID: id, state: state, limit: .max)).count }
    }

    package func activity(since date: Date) async throws -> [RunCounts] {
        contents.withLock { $0.activity(since: date) }
    }

    package func arrivals(since date: Date) async throws -> [Int: Int] {
        contents.withLock { $0.arrivals(since: date) }
    }

    package func backlog(at now: Date) async throws -> Backlog { contents.withLock { $0.backlog(at: now) } }

    package func runTimes(limit: Int) async throws -> [Duration] { contents.withLock { $0.runTimes(limit: limit) } }
}

extension MemoryStore {
    package func undispatched(limit: Int, at _: Date) async throws -> WaitingEvents {
        var waiting = WaitingEvents()
        waiting.events = contents.withLock { $0.undispatched(limit: limit) }
        return waiting
    }

    package func dispatch(_ dispatches: [Dispatch], at now: Date) async throws {
        let made = try write { $0.dispatch(dispatches, at: now) }
        if made > 0 { queued.notify() }
    }

    package func claim(limit: Int, lease: Lease, at now: Date) async throws -> [ClaimedRun] {
        try write { $0.claim(limit: limit, lease: lease, at: now) }
    }

    package func nextDue() async throws -> Date? {
        contents.withLock { $0.nextDue }
    }

    package func begin(
        stepID: String,
        attempt: Int,
        of run: Run.ID,
        lease: Lease.ID,
        at now: Date
    ) async throws {
        try write { try $0.begin(stepID: stepID, attempt: attempt, of: run, lease: lease, at: now) }
    }

    package func record(_ record: StepRecord, of run: Run.ID, lease: Lease.ID) async throws {
        try write { try $0.record(record, of: run, lease: lease) }
    }

    package func release(
        _ run: Run.ID,
        lease: Lease.ID,
        to ending: RunEnding,
        recording record: StepRecord?,
        raising event: Delivery?,
        at now: Date
    ) async throws {
        let receipt = try write { contents in
            try contents.release(run, lease: lease, to: ending, recording: record, at: now)
            return event.map { contents.append($0, at: now) }
        }
        if case .stored? = receipt { arrivals.notify() }
        if ending.isQueued { queued.notify() }
    }

    package func keep(package: JSON, of event: Event.ID) async throws -> JSON {
        try write { $0.keep(package: package, of: event) }
    }

    package func renew(_ lease: Lease, at now: Date) async throws {
        try write { $0.renew(lease, at: now) }
    }

    package func rescue(_ whose: RescuedRuns, at now: Date) async throws -> Int {
        let count = try write { $0.rescue(whose, at: now) }
        if count > 0 { queued.notify() }
        return count
    }

    package func retry(_ run: Run.ID, from step: String?, by ruleSet: RuleSetVersion?, at now: Date) async throws {
        try write { try $0.retry(run, from: step, by: ruleSet, at: now) }
        queued.notify()
    }

    package func replay(_ dispatches: [Dispatch], restartsEnded: Bool, at now: Date) async throws -> [ReplayedRun] {
        let runs = try write { $0.replay(dispatches, restartsEnded: restartsEnded, at: now) }
        if runs.contains(where: { $0.outcome != .unchanged }) { queued.notify() }
        return runs
    }

    package func wake(waitingFor destination: String, limit: Int, at now: Date) async throws -> Int {
        let count = try write { $0.wake(waitingFor: destination, limit: limit, at: now) }
        if count > 0 { queued.notify() }
        return count
    }

    package func bringForward(by seconds: TimeInterval, at now: Date) async throws -> Int {
        let count = try write { $0.bringForward(by: seconds, at: now) }
        if count > 0 { queued.notify() }
        return count
    }

    package func discard(_ run: Run.ID, at now: Date) async throws {
        try write { try $0.discard(run, at: now) }
    }

    package func keep(ruleSet: RuleSetVersion, sources: JSON, at _: Date) async throws {
        try write { contents in
            contents.ruleSets[ruleSet] = contents.ruleSets[ruleSet] ?? sources
            contents.latestRuleSet = ruleSet
        }
    }

    package func value(forKey key: String) async throws -> JSON? {
        contents.withLock { $0.values[key] }
    }

    package func set(_ value: JSON, forKey key: String) async throws {
        try write { $0.values[key] = value }
    }

    package func latestSources() async throws -> JSON? {
        contents.withLock { contents in contents.latestRuleSet.flatMap { contents.ruleSets[$0] } }
    }

    package func sources(of ruleSet: RuleSetVersion) async throws -> JSON? {
        contents.withLock { $0.ruleSets[ruleSet] }
    }
}
