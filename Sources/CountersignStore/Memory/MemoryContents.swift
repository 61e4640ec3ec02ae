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

    /// The runs of each event, by their places in `runs`.
    var runsOfEvents: [Event.ID: [Int]] = [:]

    /// The runs of each queue that have a slot or wait for one, by their places in `runs`.
    var lines: [String: Set<Int>] = [:]

    /// How often a slot that was free was given to the next run of its queue.
    var handovers = 0

    var states = MemoryStates()
    var decisions: [Event.ID: [Decision]] = [:]
    var pauses: [Pause.Subject: Pause] = [:]
    var history = MemoryHistory()

    /// Every attempt with its run, in the order of ending.
    var attempts: [(run: Run.ID, record: StepRecord)] = []
    private var eventIDs: [[UInt8]: Event.ID] = [:]
    private var quarantineIDs: [UUID: Int64] = [:]
    private var proofs: [Int64: (token: UUID, proof: SenderProof)] = [:]
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
            body: delivery.body,
            account: delivery.account
        )
        events.append(MemoryEvent(event: event, body: delivery.body, token: delivery.token))
        history.add(event)
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
                        && stored.event.packageKey == delivery.packageKey
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
        if let proof = body.proof { proofs[id] = (body.token, proof) }
        return id
    }

    /// The callbacks behind `position` whose senders have yet to be verified.
    func unverified(after position: Int64) -> [UnverifiedBody] {
        quarantine.compactMap { kept in
            guard kept.id > position, let (token, proof) = proofs[kept.id] else { return nil }
            return UnverifiedBody(
                id: kept.id,
                body: kept.body,
                token: token,
                proof: proof,
                receivedAt: kept.receivedAt
            )
        }
    }

    mutating func settleUnverified(_ id: Int64, reason: String) {
        guard proofs.removeValue(forKey: id) != nil,
            let index = quarantine.firstIndex(where: { $0.id == id })
        else { return }
        let kept = quarantine[index]
        quarantine[index] = QuarantinedBody(id: id, body: kept.body, reason: reason, receivedAt: kept.receivedAt)
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
                    && (query.packageID.map { $0 == event.packageKey } ?? true)
                    && (query.account.map { $0 == event.account } ?? true)
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

    func index(of id: Event.ID) -> Int? {
        let index = Int(id.rawValue) - 1
        return events.indices.contains(index) ? index : nil
    }
}

/// The reading of runs.
extension MemoryContents {
    func claimedRun(_ id: Run.ID) -> ClaimedRun? {
        guard let index = index(of: id), let event = self.index(of: runs[index].eventID) else { return nil }
        return ClaimedRun(run: runs[index].run, event: events[event].event, records: runs[index].records)
    }

    private func packageID(of event: Event.ID) -> String? {
        index(of: event).flatMap { events[$0].event.packageKey }
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
                    && (query.account.map { $0 == index(of: run.eventID).map { events[$0].event.account } } ?? true)
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
