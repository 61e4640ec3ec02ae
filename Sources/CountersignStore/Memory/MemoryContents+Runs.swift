import CountersignCore
import Foundation

/// The life of a run.
extension MemoryContents {
    mutating func dispatch(_ dispatches: [Dispatch], under activation: Activation.Number, at now: Date) throws -> Int {
        guard activation == activations.last?.number ?? 0 else { throw StoreError.activationChanged }
        return make(dispatches, at: now)
    }

    mutating func make(_ dispatches: [Dispatch], at now: Date) -> Int {
        let before = runs.count
        for dispatch in dispatches {
            guard let index = index(of: dispatch.eventID), events[index].dispatchedAt == nil else { continue }
            events[index].dispatchedAt = now.stored
            events[index].ruleSet = dispatch.ruleSet
            events[index].matchSet = dispatch.matchSet
            var seen: Set<String> = []
            for ruleID in dispatch.ruleIDs where seen.insert(ruleID).inserted {
                _ = add(NewRun(ruleID, of: dispatch, at: now), at: now)
            }
        }
        return runs.count - before
    }

    mutating func claim(limit: Int, lease: Lease, at now: Date) -> [ClaimedRun] {
        let due =
            runs.indices
            .filter { runs[$0].isClaimable && runs[$0].dueAt <= now.stored }
            .sorted { (runs[$0].dueAt, $0) < (runs[$1].dueAt, $1) }
            .prefix(max(0, limit))
        for index in due {
            runs[index].state = .running
            runs[index].wait = nil
            runs[index].lease = MemoryRun.HeldLease(lease, at: now)
            let since = runs[index].place?.since ?? now.stored
            runs[index].place?.since = since
        }
        return due.compactMap { claimedRun(runs[$0].id) }
    }

    var nextDue: Date? {
        runs.lazy.filter { $0.isClaimable }.map { $0.dueAt }.min()
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
        case .cancelled(let decision):
            runs[index].leave(for: .discarded)
            add(decision)
        case .queued(let dueAt):
            runs[index].leave(for: .queued)
            runs[index].dueAt = dueAt.stored
            return
        case .paused(let dueAt):
            runs[index].leave(for: .waiting)
            runs[index].dueAt = dueAt.stored
            return
        case .unmatched(let place):
            takeBack(index)
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
        if !(runs[index].state == .failed && runs[index].place?.holdsOnFailure == true) { leaveQueue(index) }
    }

    /// Makes a run as if it had never been.
    mutating func takeBack(_ index: Int) {
        runs[index].leave(for: .discarded)
        runs[index].isTakenBack = true
        leaveQueue(index)
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
        for index in runs.indices
        where whose == .everyones && runs[index].wait?.destination.hasPrefix(PacedResumption.prefix) == false {
            runs[index].dueAt = now.stored
            runs[index].wait = nil
        }
        return count
    }

    mutating func retry(_ run: Run.ID, from step: String?, by ruleSet: RuleSetVersion?, at now: Date) throws {
        let index = try index(of: run, in: [.failed], wanted: "failed")
        if let ruleSet { runs[index].ruleSet = ruleSet }
        runs[index].beginGeneration(from: step.map { .step($0) } ?? .whereItStopped, at: now.stored)
        joinQueue(index)
    }

    mutating func replay(_ dispatches: [Dispatch], restartsEnded: Bool, at now: Date) -> [ReplayedRun] {
        var replayed: [ReplayedRun] = []
        for dispatch in dispatches {
            let found = Evaluation(at: now.stored, ruleSet: dispatch.ruleSet, matchSet: dispatch.matchSet)
            evaluations[dispatch.eventID, default: []].append(found)
            for ruleID in dispatch.ruleIDs {
                let outcome = replay(ruleID, of: dispatch, restartsEnded: restartsEnded, at: now)
                replayed.append(ReplayedRun(eventID: dispatch.eventID, ruleID: ruleID, outcome: outcome))
                if dispatch.forgetsPackage, outcome != .unchanged, let event = self.index(of: dispatch.eventID) {
                    events[event].event = events[event].event.withoutPackage
                }
            }
        }
        return replayed
    }

    /// Makes the run of a rule, or begins those again that have ended.
    private mutating func replay(
        _ ruleID: String,
        of dispatch: Dispatch,
        restartsEnded: Bool,
        at now: Date
    ) -> ReplayOutcome {
        let known = (runsOfEvents[dispatch.eventID] ?? []).filter { runs[$0].ruleID == ruleID && !runs[$0].isTakenBack }
        guard !known.isEmpty else {
            _ = add(NewRun(ruleID, of: dispatch, at: now), at: now)
            return .created
        }
        var outcome = ReplayOutcome.unchanged
        for index in known
        where ReplayedRun.outcome(ofRunIn: runs[index].state, restarting: restartsEnded) == .restarted {
            runs[index].ruleSet = dispatch.ruleSet
            runs[index].beginGeneration(from: .firstStep, at: now.stored)
            joinQueue(index)
            outcome = .restarted
        }
        return outcome
    }

    /// Makes the runs due that waited for the end of a pause; returns whether it was one, or some of them had a pace before.
    mutating func resume(_ subject: Pause.Subject, wasPaused: Bool, pace: ResumePace?, at now: Date) -> Bool {
        let prefix = PacedResumption.prefix(of: subject)
        let paced = runs.indices.filter { runs[$0].wait?.destination.hasPrefix(prefix) == true }
        var meant = Set(paced)
        if let destination = subject.waitDestination {
            meant.formUnion(runs.indices.filter { runs[$0].wait?.destination == destination })
        }
        guard let pace else {
            for index in meant { (runs[index].dueAt, runs[index].wait) = (now.stored, nil) }
            return wasPaused || !paced.isEmpty
        }
        guard wasPaused || !paced.isEmpty else { return false }
        // Runs that nobody claimed during the pause.
        meant.formUnion(
            runs.indices.filter { index in
                let run = runs[index]
                guard run.state == .queued, run.lease == nil, run.dueAt <= now.stored else { return false }
                switch subject {
                case .rule(let id): return run.ruleID == id && run.wait == nil
                case .destination, .account: return false
                // What has a pace of its own and became due during the pause would begin all at once.
                case .everything: return run.wait?.destination.hasPrefix(PacedResumption.prefix) ?? true
                }
            }
        )
        spread(meant.sorted(), at: pace.rate, from: now, PacedResumption.wait(for: subject, pace))
        return true
    }

    /// Makes runs due one after another.
    mutating func spread(_ indices: [Int], at rate: Rate, from now: Date, _ wait: RunWait?) {
        for (number, index) in indices.enumerated() {
            let milliseconds = Int64(number) * rate.span.milliseconds / Int64(rate.count)
            runs[index].dueAt = now.addingTimeInterval(TimeInterval(milliseconds) / 1_000).stored
            runs[index].wait = wait
        }
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
        let later = runs.indices.filter { runs[$0].followsClock && runs[$0].dueAt > now.stored }
        for index in later {
            runs[index].dueAt = max(now.stored, runs[index].dueAt.addingTimeInterval(-seconds).stored)
        }
        let states = self.states.all.filter { state in
            state.followsClock && state.dueAt.map { $0 > now.stored } ?? false
        }
        for var state in states {
            state.dueAt = state.dueAt.map { max(now.stored, $0.addingTimeInterval(-seconds).stored) }
            self.states.apply(.set(state))
        }
        return later.count + states.count
    }

    mutating func discard(_ run: Run.ID, at now: Date) throws {
        let index = try index(of: run, in: [.failed, .queued, .waiting], wanted: "failed, queued or waiting")
        runs[index].state = .discarded
        runs[index].wait = nil
        runs[index].finishedAt = now.stored
        leaveQueue(index)
    }

    func index(of run: Run.ID) -> Int? {
        let index = Int(run.rawValue) - 1
        return runs.indices.contains(index) && !runs[index].isTakenBack ? index : nil
    }

    func index(of run: Run.ID, lease: Lease.ID) throws -> Int {
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
