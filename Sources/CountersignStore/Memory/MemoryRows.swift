import CountersignCore
import Foundation

/// An event with what became of it.
struct MemoryEvent {
    var event: Event
    let body: [UInt8]

    /// The delivery that it is known by.
    var token: UUID
    var duplicates = 0
    var dispatchedAt: Date?
    var ruleSet: RuleSetVersion?
    var matchSet: MatchSet?

    var stored: StoredEvent {
        StoredEvent(
            event: event,
            body: body,
            duplicates: duplicates,
            dispatchedAt: dispatchedAt,
            ruleSet: ruleSet,
            matchSet: matchSet
        )
    }
}

/// A run with its lease and attempts.
struct MemoryRun {
    /// A lease with the time at which it ends.
    struct HeldLease {
        let id: Lease.ID
        let until: Date

        init(_ lease: Lease, at now: Date) {
            id = lease.id
            until = now.addingTimeInterval(lease.duration.timeInterval).stored
        }
    }

    /// The attempt that is under way.
    struct Step {
        let id: String
        let attempt: Int
        let startedAt: Date
    }

    let id: Run.ID
    let eventID: Event.ID
    let ruleID: String
    let part: String
    let facts: JSON?
    let createdAt: Date

    var place: QueuePlace?
    var supersededBy: Run.ID?
    var ruleSet: RuleSetVersion

    var state = Run.State.queued
    var dueAt: Date
    var retries = 0
    var resumePoint: Run.ResumePoint?
    var wait: RunWait?
    var finishedAt: Date?
    var home: String?
    var lease: HeldLease?
    var step: Step?
    var records: [StepRecord] = []

    /// Whether its rule did not match after all, so that it is as if it had never been.
    var isTakenBack = false

    init(id: Run.ID, _ new: NewRun, at now: Date) {
        self.id = id
        ruleID = new.ruleID
        eventID = new.eventID
        ruleSet = new.ruleSet
        part = new.part
        facts = new.facts
        place = new.place
        createdAt = now
        dueAt = new.dueAt.stored
    }

    /// Whether it goes on by itself once it is due: it waits for no slot.
    var isClaimable: Bool { state.isClaimable && (place == nil || place?.slot != nil) }

    var run: Run {
        Run(
            id: id,
            eventID: eventID,
            ruleID: ruleID,
            part: part,
            facts: facts,
            place: place,
            supersededBy: supersededBy,
            ruleSet: ruleSet,
            state: state,
            dueAt: dueAt,
            retries: retries,
            resumePoint: resumePoint,
            wait: wait,
            createdAt: createdAt,
            finishedAt: finishedAt,
            home: home
        )
    }

    /// Where a run begins its next generation.
    enum Start {
        /// At the step that stopped it.
        case whereItStopped
        case step(String)
        case firstStep
    }

    /// Queues the run once more.
    mutating func beginGeneration(from start: Start, at now: Date) {
        state = .queued
        retries += 1
        dueAt = now
        finishedAt = nil
        supersededBy = nil
        switch start {
        case .whereItStopped: break
        case .step(let id): resumePoint = Run.ResumePoint(stepID: id, generation: retries)
        case .firstStep: (resumePoint, home) = (Run.ResumePoint(stepID: nil, generation: retries), nil)
        }
    }

    /// Ends the work of the lease.
    mutating func leave(for state: Run.State) {
        self.state = state
        lease = nil
        step = nil
    }

    /// Takes the run from an owner that is gone, and returns the record of the attempt that was under way.
    mutating func interrupt(at now: Date) -> StepRecord? {
        let record = step.map { step in
            StepRecord.interrupted(
                stepID: step.id,
                attempt: step.attempt,
                generation: retries,
                startedAt: step.startedAt,
                at: now
            )
        }
        leave(for: .queued)
        dueAt = now
        return record
    }
}

extension Date {
    /// The time to the precision that a store keeps.
    var stored: Date { Date(milliseconds: milliseconds) }
}

extension StepRecord {
    /// The record with its times to the precision that a store keeps.
    var stored: StepRecord {
        var record = StepRecord(
            stepID: stepID,
            attempt: attempt,
            generation: generation,
            status: status,
            isFinal: isFinal,
            plan: plan,
            output: output,
            reason: reason,
            startedAt: startedAt.stored,
            finishedAt: finishedAt.stored
        )
        record.home = home
        return record
    }
}

extension MemoryRun {
    /// Whether its due time was computed from the clock: it is queued, or waits for a time and not until one.
    var followsClock: Bool { state == .queued || state == .waiting && records.last?.plan?["for"] != nil }
}
