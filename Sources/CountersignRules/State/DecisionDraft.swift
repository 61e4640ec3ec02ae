import CountersignCore
import Foundation

/// A decision in the making: what was read, as it will be once what is decided so far is written.
struct DecisionDraft {
    private(set) var snapshot: StateSnapshot
    let rules: RuleSet
    let now: Date
    private var written = StateOutcome()
    private var runs: [NewRun?] = []
    private var queues: [String: QueueDraft] = [:]

    init(_ snapshot: StateSnapshot, rules: RuleSet, now: Date) {
        self.snapshot = snapshot
        self.rules = rules
        self.now = now
        queues = snapshot.queues.mapValues { QueueDraft($0) }
    }

    // MARK: States

    mutating func set(_ state: RuleState) {
        snapshot.states[state.key, default: [:]][state.part] = state
        written.changes.append(.set(state))
    }

    mutating func remove(_ key: StateKey, part: String) {
        snapshot.states[key]?[part] = nil
        if snapshot.states[key]?.isEmpty == true { snapshot.states[key] = nil }
        written.changes.append(.remove(key, part: part))
    }

    mutating func gather(_ key: StateKey, _ event: Event.ID) { written.changes.append(.gather(key, event)) }

    mutating func clear(_ key: StateKey) { written.changes.append(.clear(key)) }

    func state(_ key: StateKey, part: String = "") -> RuleState? { snapshot.states[key]?[part] }

    // MARK: Decisions

    mutating func decide(
        _ kind: Decision.Kind,
        _ event: Event,
        _ rule: Rule,
        part: String = "",
        _ facts: JSON = .object([:]),
        run: Int? = nil
    ) {
        decide(kind, event.id, rule.id, part: part, facts, run: run)
    }

    mutating func decide(
        _ kind: Decision.Kind,
        _ event: Event.ID,
        _ ruleID: String,
        part: String = "",
        _ facts: JSON = .object([:]),
        run: Int? = nil,
        stored: Run.ID? = nil
    ) {
        let decision = Decision(
            eventID: event,
            ruleID: ruleID,
            part: part,
            kind: kind,
            facts: facts,
            run: stored,
            at: now
        )
        written.decisions.append((decision, run))
    }

    // MARK: Runs

    /// Makes a run that takes no turns.
    @discardableResult
    mutating func make(
        _ rule: Rule,
        for event: Event,
        part: String = "",
        facts: JSON? = nil,
        place: QueuePlace? = nil
    ) -> Int {
        let dueAt = place == nil ? now : now.addingTimeInterval(Decider.headStart)
        let run = NewRun(
            eventID: event.id,
            ruleID: rule.id,
            ruleSet: rules.version,
            part: part,
            facts: facts,
            dueAt: dueAt,
            place: place
        )
        runs.append(run)
        return runs.count - 1
    }

    /// Starts a run, or puts it into its queue, and says so.
    ///
    /// - Returns: The place of the run among those that are made; nil where none is.
    @discardableResult
    mutating func start(
        _ rule: Rule,
        for event: Event,
        _ context: EvaluationContext,
        part: String = "",
        facts: JSON? = nil
    ) -> Int? {
        guard let concurrency = rule.concurrency else {
            let run = make(rule, for: event, part: part, facts: facts)
            decide(.run, event, rule, part: part, run: run)
            return run
        }
        let name = concurrency.queue(of: context, ruleID: rule.id)
        let newcomer = QueueDraft.Newcomer(event: event, ruleID: rule.id, part: part, happenedAt: event.happenedAt)
        var queue = queues[name] ?? QueueDraft(QueueState())
        let placement = queue.admit(newcomer, by: concurrency, as: runs.count)
        queues[name] = queue
        switch placement {
        case .busy(let holder):
            decide(.skippedBusy, event.id, rule.id, part: part, holder.facts, stored: holder.storedRun)
            return nil
        case .superseded(let newer):
            decide(.superseded, event.id, rule.id, part: part, newer.facts, stored: newer.storedRun)
            return nil
        case .admitted(let slot, let behind, let displaced):
            let place = QueuePlace(
                queue: name,
                happenedAt: newcomer.happenedAt,
                limit: concurrency.limit,
                holdsOnFailure: concurrency.holdsOnFailure,
                slot: slot
            )
            let run = make(rule, for: event, part: part, facts: facts, place: place)
            for (member, change) in displaced { displace(member, change, by: run, of: event) }
            if let behind, slot == nil {
                decide(.queued, event, rule, part: part, behind.facts, run: run)
            } else {
                decide(.run, event, rule, part: part, run: run)
            }
            return run
        }
    }

    private mutating func displace(
        _ member: QueueDraft.Member,
        _ change: QueueDraft.Change,
        by run: Int,
        of event: Event
    ) {
        let facts: JSON = ["by": JSON(event.id.rawValue)]
        let (id, rule, part) = (member.eventID, member.ruleID, member.part)
        switch (change, member.run) {
        case (.waits, .stored(let old)):
            written.moved.append((old, nil))
            decide(.queued, id, rule, part: part, facts, stored: old)
        case (.waits, .new(let index)):
            runs[index]?.place?.slot = nil
            decide(.queued, id, rule, part: part, facts, run: index)
        case (.superseded, .stored(let old)):
            written.superseded.append((old, run))
            decide(.superseded, id, rule, part: part, facts, run: run)
        case (.superseded, .new(let index)): supersede(index, by: run, facts)
        }
    }

    /// A run that was only decided a moment ago is not made at all.
    private mutating func supersede(_ index: Int, by run: Int, _ facts: JSON) {
        runs[index] = nil
        for place in written.decisions.indices where written.decisions[place].run == index {
            let old = written.decisions[place].decision
            let decision = Decision(
                eventID: old.eventID,
                ruleID: old.ruleID,
                part: old.part,
                kind: .superseded,
                facts: facts,
                at: old.at
            )
            written.decisions[place] = (decision, run)
        }
    }

    // MARK: What is written

    mutating func dispatch(_ dispatch: Dispatch) { written.dispatches.append(dispatch) }

    mutating func raise(_ delivery: Delivery) { written.raised.append(delivery) }

    /// What is to be written: runs by their places among those that are made.
    var outcome: StateOutcome {
        var places: [Int: Int] = [:]
        var outcome = written
        for (index, run) in runs.enumerated() {
            guard let run else { continue }
            places[index] = outcome.runs.count
            outcome.runs.append(run)
        }
        outcome.decisions = written.decisions.map { ($0.decision, $0.run.flatMap { places[$0] }) }
        outcome.superseded = written.superseded.compactMap { superseded in
            places[superseded.by].map { (superseded.run, $0) }
        }
        return outcome
    }
}
