import CountersignCore
import Foundation

/// What a store in memory holds; numbers count from 1 and nothing is removed, so a number is a place in an array.
struct MemoryContents {
    var isClosed = false
    var ruleSets: [RuleSetVersion: JSON] = [:]

    /// What replays found.
    var evaluations: [Event.ID: [Evaluation]] = [:]
    var activations: [Activation] = []
    var values: [String: JSON] = [:]
    var circuits: [String: MemoryCircuit] = [:]
    var singletons: [Singleton: MemorySingleton] = [:]
    private(set) var quarantine: [QuarantinedBody] = []

    var events: [MemoryEvent] = []
    var runs: [MemoryRun] = []

    /// Every attempt with its run, in the order of ending.
    private(set) var attempts: [(run: Run.ID, record: StepRecord)] = []
    private var eventIDs: [[UInt8]: Event.ID] = [:]
    private var quarantineIDs: [UUID: Int64] = [:]
    private var commands: [CommandToken: (at: Date, runs: [ReplayedRun])] = [:]
}

extension MemoryContents {
    /// What `work` gives, or what it gave when the same command came before.
    mutating func once<Failure>(
        _ token: CommandToken?,
        at now: Date,
        _ work: (inout MemoryContents) throws(Failure) -> [ReplayedRun]
    ) throws(Failure) -> [ReplayedRun] {
        guard let token else { return try work(&self) }
        commands = commands.filter { $0.value.at >= now.addingTimeInterval(-CommandToken.memory) }
        if let known = commands[token] { return known.runs }
        let runs = try work(&self)
        commands[token] = (now, runs)
        return runs
    }
}

/// The inbox and its reading.
extension MemoryContents {
    mutating func append(_ delivery: Delivery, at now: Date) -> Receipt {
        if let id = known(by: delivery) { return .duplicate(of: id) }
        let key = delivery.recognitionKey
        if let id = eventIDs[key], let index = index(of: id) {
            count(delivery, at: index)
            return .duplicate(of: id)
        }
        let id = Event.ID(rawValue: Int64(events.count) + 1)
        eventIDs[key] = id
        let event = Event(
            id: id,
            name: delivery.name,
            payload: delivery.payload,
            origin: delivery.origin,
            receivedAt: now.stored,
            package: nil,
            body: delivery.body
        )
        events.append(MemoryEvent(event: event, body: delivery.body, token: delivery.token))
        return .stored(id)
    }

    /// Counts a delivery of an event that is there, unless it is the one that was handed in last.
    private mutating func count(_ delivery: Delivery, at index: Int) {
        if events[index].token != delivery.token { events[index].duplicates += 1 }
    }

    /// The event that is known already: to a poll one of the same name, to a callback one that a poll found.
    private mutating func known(by delivery: Delivery) -> Event.ID? {
        if delivery.origin == .poll {
            return
                events.first { stored in
                    stored.event.name == delivery.name
                        && stored.event.payload["packageId"] == delivery.payload["packageId"]
                }?
                .event.id
        }
        guard let stateKey = delivery.stateKey, let id = eventIDs[stateKey], let index = index(of: id) else {
            return nil
        }
        let isInTime =
            delivery.createdAt.map {
                $0 <= events[index].event.receivedAt.addingTimeInterval(Delivery.pollTolerance)
            } ?? true
        guard isInTime, eventIDs[delivery.recognitionKey] == nil else { return nil }
        eventIDs[stateKey] = nil
        eventIDs[delivery.recognitionKey] = id
        count(delivery, at: index)
        events[index].token = delivery.token
        return id
    }

    mutating func quarantine(_ body: UnreadableBody, at now: Date) -> Int64 {
        if let id = quarantineIDs[body.token] { return id }
        let id = Int64(quarantine.count) + 1
        quarantineIDs[body.token] = id
        quarantine.append(QuarantinedBody(id: id, body: body.body, reason: body.reason, receivedAt: now.stored))
        return id
    }

    func event(_ id: Event.ID) -> StoredEvent? {
        index(of: id).map { events[$0].stored }
    }

    func events(_ query: EventQuery) -> [StoredEvent] {
        let since = query.since?.stored
        return
            events
            .filter { stored in
                let event = stored.event
                return (query.name.map { $0 == event.name } ?? true)
                    && (query.packageID.map { $0 == event.payload.packageID } ?? true)
                    && (query.origin.map { $0 == event.origin } ?? true)
                    && (since.map { $0 <= event.receivedAt } ?? true)
                    && (query.until.map { event.receivedAt < $0.stored } ?? true)
                    && (query.before.map { event.isBefore($0) } ?? true)
            }
            .sorted {
                ($0.event.receivedAt, $0.event.id.rawValue) > ($1.event.receivedAt, $1.event.id.rawValue)
            }
            .prefix(max(0, query.limit))
            .map { $0.stored }
    }

    func events(after position: EventPosition, limit: Int) -> [StoredEvent] {
        let place = (position.receivedAt.stored, position.id.rawValue)
        return
            events
            .filter { ($0.event.receivedAt, $0.event.id.rawValue) > place }
            .sorted { ($0.event.receivedAt, $0.event.id.rawValue) < ($1.event.receivedAt, $1.event.id.rawValue) }
            .prefix(max(0, limit))
            .map { $0.stored }
    }

    mutating func keep(package: JSON, of id: Event.ID) -> JSON {
        guard let index = index(of: id) else { return package }
        let kept = events[index].event.package ?? package
        events[index].event = events[index].event.with(package: kept)
        return kept
    }

    func undispatched(limit: Int) -> [Event] {
        var waiting: [Event] = []
        var bytes = 0
        for row in events where row.dispatchedAt == nil {
            guard waiting.count < limit, bytes < WaitingEvents.mostBytes else { break }
            waiting.append(row.event)
            bytes += row.body.count
        }
        return waiting
    }

    private func index(of id: Event.ID) -> Int? {
        let index = Int(id.rawValue) - 1
        return events.indices.contains(index) ? index : nil
    }
}

/// The life of a run.
extension MemoryContents {
    mutating func dispatch(_ dispatches: [Dispatch], under activation: Activation.Number, at now: Date) throws -> Int {
        guard activation == activations.last?.number ?? 0 else { throw StoreError.activationChanged }
        let before = runs.count
        for dispatch in dispatches {
            guard let index = index(of: dispatch.eventID), events[index].dispatchedAt == nil else { continue }
            events[index].dispatchedAt = now.stored
            events[index].ruleSet = dispatch.ruleSet
            events[index].matchSet = dispatch.matchSet
            var seen: Set<String> = []
            for ruleID in dispatch.ruleIDs where seen.insert(ruleID).inserted {
                let id = Run.ID(rawValue: Int64(runs.count) + 1)
                runs.append(MemoryRun(id: id, dispatch: dispatch, ruleID: ruleID, at: now.stored))
            }
        }
        return runs.count - before
    }

    mutating func claim(limit: Int, lease: Lease, at now: Date) -> [ClaimedRun] {
        let due =
            runs.indices
            .filter { runs[$0].state == .queued && runs[$0].dueAt <= now.stored }
            .sorted { (runs[$0].dueAt, $0) < (runs[$1].dueAt, $1) }
            .prefix(max(0, limit))
        for index in due {
            runs[index].state = .running
            runs[index].wait = nil
            runs[index].lease = MemoryRun.HeldLease(lease, at: now)
        }
        return due.compactMap { claimedRun(runs[$0].id) }
    }

    var nextDue: Date? {
        runs.lazy.filter { $0.state == .queued }.map { $0.dueAt }.min()
    }

    mutating func begin(stepID: String, attempt: Int, of run: Run.ID, lease: Lease.ID, at now: Date) throws {
        let index = try index(of: run, lease: lease)
        runs[index].step = MemoryRun.Step(id: stepID, attempt: attempt, startedAt: now.stored)
    }

    mutating func record(_ record: StepRecord, of run: Run.ID, lease: Lease.ID) throws {
        let index = try index(of: run, lease: lease)
        runs[index].step = nil
        append(record.stored, to: index)
    }

    private mutating func append(_ record: StepRecord, to index: Int) {
        runs[index].records.append(record)
        runs[index].home = runs[index].home ?? record.home
        attempts.append((runs[index].id, record))
    }

    mutating func release(
        _ run: Run.ID,
        lease: Lease.ID,
        to ending: RunEnding,
        recording record: StepRecord?,
        at now: Date
    ) throws {
        let index = try index(of: run, lease: lease)
        if let record { append(record.stored, to: index) }
        switch ending {
        case .succeeded: runs[index].leave(for: .succeeded)
        case .failed: runs[index].leave(for: .failed)
        case .queued(let dueAt):
            runs[index].leave(for: .queued)
            runs[index].dueAt = dueAt.stored
            return
        case .unmatched(let place):
            runs[index].leave(for: .discarded)
            runs[index].isTakenBack = true
            let (id, ruleSet) = (runs[index].eventID, runs[index].ruleSet)
            if let event = self.index(of: id), events[event].ruleSet == ruleSet {
                events[event].matchSet = events[event].matchSet?.without(place)
            }
            if let last = evaluations[id]?.last, last.ruleSet == ruleSet {
                let rest = Evaluation(at: last.at, ruleSet: ruleSet, matchSet: last.matchSet.without(place))
                evaluations[id] = (evaluations[id]?.dropLast() ?? []) + [rest]
            }
            return
        case .waiting(let wait, let dueAt):
            runs[index].leave(for: .queued)
            runs[index].dueAt = dueAt.stored
            runs[index].wait = wait
            return
        }
        runs[index].finishedAt = now.stored
    }

    mutating func renew(_ lease: Lease, at now: Date) {
        for index in runs.indices where runs[index].lease?.id == lease.id {
            runs[index].lease = MemoryRun.HeldLease(lease, at: now)
        }
    }

    mutating func rescue(_ whose: RescuedRuns, at now: Date) -> Int {
        var count = 0
        for index in runs.indices {
            guard let lease = runs[index].lease, whose == .everyones || lease.until <= now.stored else { continue }
            if let record = runs[index].interrupt(at: now.stored) { append(record, to: index) }
            count += 1
        }
        for index in runs.indices where whose == .everyones && runs[index].wait != nil {
            runs[index].dueAt = now.stored
            runs[index].wait = nil
        }
        return count
    }

    mutating func retry(_ run: Run.ID, from step: String?, by ruleSet: RuleSetVersion?, at now: Date) throws {
        let index = try index(of: run, in: [.failed], wanted: "failed")
        if let ruleSet { runs[index].ruleSet = ruleSet }
        runs[index].beginGeneration(from: step.map { .step($0) } ?? .whereItStopped, at: now.stored)
    }

    mutating func replay(_ dispatches: [Dispatch], restartsEnded: Bool, at now: Date) -> [ReplayedRun] {
        var replayed: [ReplayedRun] = []
        for dispatch in dispatches {
            let found = Evaluation(at: now.stored, ruleSet: dispatch.ruleSet, matchSet: dispatch.matchSet)
            evaluations[dispatch.eventID, default: []].append(found)
            for ruleID in dispatch.ruleIDs {
                let index = runs.firstIndex {
                    $0.eventID == dispatch.eventID && $0.ruleID == ruleID && !$0.isTakenBack
                }
                let outcome = ReplayedRun.outcome(ofRunIn: index.map { runs[$0].state }, restarting: restartsEnded)
                if let index, outcome == .restarted {
                    runs[index].ruleSet = dispatch.ruleSet
                    runs[index].beginGeneration(from: .firstStep, at: now.stored)
                } else if outcome == .created {
                    let id = Run.ID(rawValue: Int64(runs.count) + 1)
                    runs.append(MemoryRun(id: id, dispatch: dispatch, ruleID: ruleID, at: now.stored))
                }
                replayed.append(ReplayedRun(eventID: dispatch.eventID, ruleID: ruleID, outcome: outcome))
                if dispatch.forgetsPackage, outcome != .unchanged, let event = self.index(of: dispatch.eventID) {
                    events[event].event = events[event].event.withoutPackage
                }
            }
        }
        return replayed
    }

    mutating func wake(waitingFor destination: String, limit: Int, at now: Date) -> Int {
        let waiting = runs.indices.filter { runs[$0].wait?.destination == destination }.prefix(max(0, limit))
        for index in waiting {
            runs[index].dueAt = now.stored
            runs[index].wait = nil
        }
        return waiting.count
    }

    mutating func bringForward(by seconds: TimeInterval, at now: Date) -> Int {
        let later = runs.indices.filter { runs[$0].state == .queued && runs[$0].dueAt > now.stored }
        for index in later {
            runs[index].dueAt = max(now.stored, runs[index].dueAt.addingTimeInterval(-seconds).stored)
        }
        return later.count
    }

    mutating func discard(_ run: Run.ID, at now: Date) throws {
        let index = try index(of: run, in: [.failed, .queued], wanted: "failed or queued")
        runs[index].state = .discarded
        runs[index].wait = nil
        runs[index].finishedAt = now.stored
    }

    private func index(of run: Run.ID) -> Int? {
        let index = Int(run.rawValue) - 1
        return runs.indices.contains(index) && !runs[index].isTakenBack ? index : nil
    }

    private func index(of run: Run.ID, lease: Lease.ID) throws -> Int {
        guard let index = index(of: run), runs[index].lease?.id == lease else { throw StoreError.leaseLost(run) }
        return index
    }

    private func index(of run: Run.ID, in states: [Run.State], wanted: String) throws -> Int {
        guard let index = index(of: run) else { throw StoreError.noSuchRun(run) }
        guard states.contains(runs[index].state) else {
            throw StoreError.wrongState(run, runs[index].state, wanted: wanted)
        }
        return index
    }
}

/// The reading of runs.
extension MemoryContents {
    func claimedRun(_ id: Run.ID) -> ClaimedRun? {
        guard let index = index(of: id), let event = self.index(of: runs[index].eventID) else { return nil }
        return ClaimedRun(run: runs[index].run, event: events[event].event, records: runs[index].records)
    }

    private func packageID(of event: Event.ID) -> String? {
        index(of: event).flatMap { events[$0].event.payload.packageID }
    }

    func runRows(_ query: RunQuery) -> [RunRow] {
        runs(query)
            .compactMap { run in
                guard let event = index(of: run.eventID), let row = index(of: run.id) else { return nil }
                return RunRow(run, for: events[event].event, records: runs[row].records, damage: nil)
            }
    }

    func statistics(ofRules ids: [String], since date: Date) -> [String: RuleStatistics] {
        ids.reduce(into: [:]) { statistics, id in
            let meant = runs.filter { !$0.isTakenBack && $0.ruleID == id }
            statistics[id] = RuleStatistics(
                runs: meant.count { $0.createdAt >= date.stored },
                failed: meant.count { $0.state == .failed },
                lastMatch: meant.last?.createdAt
            )
        }
    }

    func runs(_ query: RunQuery) -> [Run] {
        runs.reversed().lazy
            .filter { run in
                !run.isTakenBack && (query.eventID.map { $0 == run.eventID } ?? true)
                    && (query.ruleID.map { $0 == run.ruleID } ?? true)
                    && (query.state.map { $0 == run.state } ?? true)
                    && (query.packageID.map { $0 == packageID(of: run.eventID) } ?? true)
                    && (query.since.map { $0.stored <= run.createdAt } ?? true)
                    && (query.until.map { run.createdAt < $0.stored } ?? true)
                    && (query.before.map { run.id.rawValue < $0.rawValue } ?? true)
                    && (query.from.map { run.id.rawValue >= $0.rawValue } ?? true)
            }
            .prefix(max(0, query.limit))
            .map { $0.run }
    }

    var runCounts: [Run.State: Int] {
        runs.filter { !$0.isTakenBack }.reduce(into: [:]) { counts, run in counts[run.state, default: 0] += 1 }
    }
}
