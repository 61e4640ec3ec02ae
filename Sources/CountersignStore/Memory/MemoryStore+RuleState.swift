package import CountersignCore
package import Foundation

extension MemoryStore {
    /// Decides with what is read under one lock, and writes what was decided.
    package func decide(
        on basis: DecisionBasis,
        reading request: StateRequest,
        under activation: Activation.Number?,
        at now: Date,
        _ body: @escaping @Sendable (StateSnapshot) throws -> StateOutcome
    ) async throws -> [Decision] {
        let written = try write { contents in
            try contents.decide(on: basis, reading: request, under: activation, at: now, body)
        }
        if written.isQueued { queued.notify() }
        if written.isDueSet { stateChanges.notify() }
        if written.hasArrivals { arrivals.notify() }
        return written.decisions
    }

    /// States that are due, those due first coming first, without those of `rules`.
    package func dueStates(limit: Int, excluding rules: Set<String>, at now: Date) async throws -> [RuleState] {
        look { $0.states.due(limit: max(0, limit), excluding: rules, by: now.stored) }
    }

    /// The due time of the state that is due first; nil where none is ever due.
    package func nextDueState() async throws -> Date? { look { $0.states.nextDue } }

    /// Removes states that are of no use any more, and returns how many there were.
    package func removeExpiredStates(limit: Int, at now: Date) async throws -> Int {
        try write { $0.states.removeExpired(limit: limit, at: now.stored) }
    }

    /// Removes states of a rule that were opened before a time, the oldest first.
    package func removeStates(
        ofRule id: String,
        kind: RuleState.Kind,
        openedBefore date: Date,
        limit: Int
    ) async throws -> Int {
        try write { contents in
            contents.states.remove(limit: limit) {
                $0.key.ruleID == id && $0.kind == kind && $0.openedAt < date.stored
            }
        }
    }

    /// States that meet a query.
    package func states(_ query: StateQuery) async throws -> [RuleState] { look { $0.states(query) } }

    /// One state; nil where it is closed.
    package func state(_ id: RuleState.ID) async throws -> RuleState? { look { $0.states.state(id) } }

    /// How many states there are, by rule and kind.
    package func stateCounts() async throws -> [StateCount] { look { $0.stateCounts { _ in true } } }

    /// How many states of a rule were made by another shape of it, by kind.
    package func stateCounts(ofRule id: String, exceptShape shape: String) async throws -> [StateCount] {
        look { $0.stateCounts { $0.key.ruleID == id && $0.shape != shape } }
    }

    /// The events that are gathered for a key, the oldest number first.
    package func gathered(of key: StateKey) async throws -> [Event.ID] { look { $0.states.gathered(of: key) } }

    /// What became of an event at the rules with state, in the order in which it was decided.
    package func decisions(of event: Event.ID) async throws -> [Decision] { look { $0.decisions[event] ?? [] } }

    /// Stored events, the newest first, without their packages.
    package func history(_ query: HistoryQuery) async throws -> EventHistory { look { $0.history(query) } }

    /// The queues in which runs wait, or that a failed run holds.
    package func queues(limit: Int) async throws -> [QueueSummary] { look { $0.queues(limit: limit) } }

    /// The queue of this name.
    package func queue(_ name: String) async throws -> QueueState { look { $0.queue(name) } }
}

extension MemoryStore {
    /// Pauses something, or gives a pause new words and a new end.
    package func pause(_ pause: Pause) async throws {
        try write { contents in
            let known = contents.pauses[pause.subject].flatMap { $0.isActive(at: pause.since) ? $0 : nil }
            contents.pauses[pause.subject] = Pause(
                pause.subject,
                by: pause.by,
                reason: pause.reason,
                since: (known?.since ?? pause.since).stored,
                until: pause.until?.stored
            )
        }
        stateChanges.notify()
    }

    /// Resumes something, and makes the runs due that waited for it, one after another where a pace is given.
    package func resume(_ subject: Pause.Subject, pace: ResumePace?, at now: Date) async throws -> Bool {
        let wasPaused = try write { contents in
            let wasPaused = contents.pauses.removeValue(forKey: subject)?.isActive(at: now) ?? false
            return contents.resume(subject, wasPaused: wasPaused, pace: pace, at: now)
        }
        queued.notify()
        stateChanges.notify()
        return wasPaused
    }

    /// Gives runs that are resumed at a rate and are late new due times.
    package func spreadOverdueResumptions(at now: Date) async throws {
        for resumption in try await pacedResumptions() where resumption.isOverdue(at: now) {
            try write { contents in
                let late = contents.runs.indices.filter {
                    contents.runs[$0].wait?.destination == resumption.destination
                }
                contents.spread(late, at: resumption.rate, from: now, contents.runs[late[0]].wait)
            }
        }
    }

    /// What is being resumed at a rate.
    package func pacedResumptions() async throws -> [PacedResumption] {
        look { contents in
            let waiting = contents.runs.filter { $0.wait?.destination.hasPrefix(PacedResumption.prefix) == true }
            return Dictionary(grouping: waiting) { $0.wait?.destination ?? "" }
                .sorted { $0.key < $1.key }
                .compactMap { destination, runs in
                    PacedResumption(
                        waitingFor: destination,
                        reason: runs.compactMap(\.wait?.reason).min() ?? "",
                        runs: runs.count,
                        next: runs.map(\.dueAt).min() ?? .distantPast,
                        last: runs.map(\.dueAt).max() ?? .distantPast
                    )
                }
        }
    }

    /// What is paused at `now`, the oldest pause first.
    package func pauses(at now: Date) async throws -> [Pause] {
        look { contents in
            contents.pauses.values.filter { $0.isActive(at: now) }.sorted { $0.since < $1.since }
        }
    }
}
