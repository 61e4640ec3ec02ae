package import CountersignActions
package import CountersignCore
package import CountersignObservability
import CountersignRules
package import CountersignStore
import Foundation
package import Logging

/// Takes one claimed run as far as it goes: to its end, to the wait before the next try, or back to the queue.
package struct RunWorker: Sendable {
    /// The store in which results are recorded, and from which the runs have to be claimed.
    package let store: any Store
    let book: RuleBook
    let performer: StepPerformer
    private let metrics = RunMetrics()
    let pauses: PauseBook?
    private let traces: EventTraces?
    let clock: any WallClock
    private let logger: Logger
    let spread: @Sendable () -> Double

    /// A worker whose waits between tries are scattered by `spread`, which gives random numbers from 0 to 1.
    ///
    /// `home` is the name of this instance, where runs whose steps leave files on the machine stay with it; `pauses` is nil
    /// where nothing can be paused.
    package init(
        store: any Store,
        book: RuleBook,
        planner: Planner,
        services: ActionServices,
        limiter: DestinationLimiter = DestinationLimiter(),
        pauses: PauseBook? = nil,
        traces: EventTraces? = nil,
        home: String? = nil,
        clock: any WallClock,
        logger: Logger,
        spread: @escaping @Sendable () -> Double
    ) {
        self.store = store
        self.book = book
        performer = StepPerformer(
            store: store,
            planner: planner,
            services: services,
            limiter: limiter,
            metrics: metrics,
            pauses: pauses,
            home: home,
            clock: clock
        )
        self.pauses = pauses
        self.traces = traces
        self.clock = clock
        self.logger = logger
        self.spread = spread
    }

    /// Works on `claimed` until it is released; never throws, what goes wrong is in the ledger or in the log.
    ///
    /// - Parameters:
    ///   - claimed: The run.
    ///   - lease: Under which it was claimed.
    ///   - isStopping: Whether the program is about to end, so that nothing more is begun.
    ///   - lettingGo: Called when nothing is left to do but to write down what came of the run.
    package func work(
        on claimed: ClaimedRun,
        lease: Lease.ID,
        isStopping: @Sendable () -> Bool,
        lettingGo: @escaping @Sendable () -> Void = {}
    ) async {
        FailPoint.afterClaim.reach()
        let context = RunContext(
            claimed: claimed,
            lease: lease,
            trace: traces?.run(claimed.run, for: claimed.event),
            logger: logger(for: claimed),
            lettingGo: lettingGo
        )
        // Whoever lets go of the run says how; this is for the others.
        defer { context.trace?.end("interrupted") }
        do {
            try await advance(context, isStopping)
        } catch let error as UnknownRuleSet {
            await giveUp(error, at: context)
        } catch StoreError.leaseLost {
            logger.warning("Run belongs to another worker")
        } catch is CancellationError {
            logger.warning("Run result not stored before shutdown")
        } catch {
            logger.error("Run cannot continue", metadata: ["error": "\(error)"])
        }
    }

    /// What belongs to the work on one run.
    struct RunContext: Sendable {
        var claimed: ClaimedRun
        let lease: Lease.ID
        let trace: RunTrace?
        var logger: Logger
        let lettingGo: @Sendable () -> Void

        /// What templates find beside the event: see `Run.facts`.
        var facts: JSON?
    }

    private func logger(for claimed: ClaimedRun) -> Logger {
        var logger = logger
        logger[metadataKey: "trace.id"] = "\(TraceID(store: store.identity, event: claimed.event))"
        logger[metadataKey: "event.id"] = "\(claimed.event.id)"
        logger[metadataKey: "run.id"] = "\(claimed.run.id)"
        logger[metadataKey: "rule.id"] = "\(claimed.run.ruleID)"
        return logger
    }

    /// Whether this program can use the active rules; where it cannot, runs are left to the instances that can.
    var knowsActiveRules: Bool { book.status.unusable == nil }

    /// Whether runs are executed; not while everything is paused.
    package var mayExecute: Bool { knowsActiveRules && pauses?.isEverythingPaused != true }

    /// The rule set of the run; nil where only this program cannot use it, and the run is left to another instance.
    private func rules(for context: RunContext) async throws -> LoadedRules? {
        do {
            return try await book.rules(of: context.claimed.run.ruleSet)
        } catch let error as UnknownRuleSet {
            // Whoever activated it can use it.
            guard store.isShared, try await store.activation()?.ruleSet == error.version else { throw error }
            _ = try await book.follow()
            try await release(to: .queued(dueAt: clock.now), nil, at: context)
            return nil
        }
    }

    /// Finds the run's rule in the rule set that created the run, and goes on where the run is.
    private func advance(_ context: RunContext, _ isStopping: @Sendable () -> Bool) async throws {
        let claimed = context.claimed
        guard let rules = try await rules(for: context) else { return }
        guard let rule = rules.ruleSet.rule(claimed.run.ruleID) else {
            throw UnknownRuleSet(version: claimed.run.ruleSet, reason: "it has no rule '\(claimed.run.ruleID)'")
        }
        let progress = RunProgress(
            rule: rule,
            generation: claimed.run.retries,
            resumePoint: claimed.run.resumePoint,
            records: claimed.records
        )
        // From here on, what programs and servers say may hold a secret that they were given.
        var masked = context
        masked.logger = context.logger.masking(rules.secrets)
        if let pause = pause(of: claimed.event, rule) {
            return try await wait(for: pause, of: rule, at: masked)
        }
        guard try await isStillWanted(masked, rule) else { return }
        guard var informed = try await informed(masked, rule, rules.ruleSet) else { return }
        informed.facts = try await facts(of: informed.claimed, rule)
        try await proceed(progress, rules, at: informed, isStopping)
    }

    private func proceed(
        _ start: RunProgress,
        _ rules: LoadedRules,
        at context: RunContext,
        _ isStopping: @Sendable () -> Bool
    ) async throws {
        var progress = start
        while true {
            switch progress.next {
            case .finish(let ending):
                try await release(to: ending, nil, cause: progress.cause, at: context)
                report(ending, progress, context)
                return
            case .attempt where isStopping() || Task.isCancelled:
                return try await release(to: .queued(dueAt: clock.now), nil, at: context)
            case .attempt(let step, _) where progress.resumption(of: step.id).map { $0 > clock.now } ?? false:
                let dueAt = progress.resumption(of: step.id) ?? clock.now
                return try await release(to: .queued(dueAt: dueAt), nil, at: context)
            case .attempt(let step, let number) where step.wait != nil:
                let record = waitRecord(of: step, number, progress, rules, context)
                progress.append(record.record)
                guard let until = record.until else {
                    try await write(context) {
                        try await store.record(record.record, of: context.claimed.run.id, lease: context.lease)
                    }
                    continue
                }
                return try await release(to: .paused(until: until), record.record, at: context)
            case .attempt(let step, let number):
                let attempt = attempt(number, at: step, progress, rules, context)
                guard let record = try await record(of: attempt, context) else { return }
                progress.append(record)
                // With nothing left to do, the result and the end of the run share a transaction.
                if case .finish(let ending) = progress.next {
                    try await release(to: ending, record, cause: progress.cause, at: context)
                    report(ending, progress, context)
                    return
                }
                try await write(context) {
                    try await store.record(record, of: context.claimed.run.id, lease: context.lease)
                }
                FailPoint.afterRecord.reach()
            }
        }
    }

    func attempt(
        _ number: Int,
        at step: Step,
        _ progress: RunProgress,
        _ rules: LoadedRules,
        _ context: RunContext
    ) -> StepPerformer.Attempt {
        StepPerformer.Attempt(
            step: step,
            number: number,
            progress: progress,
            claimed: context.claimed,
            lease: context.lease,
            facts: context.facts,
            secrets: rules.secrets,
            trace: context.trace,
            logger: context.logger
        )
    }

    /// Makes one attempt and gives what is to be written down of it; nil when the run was let go of.
    private func record(of attempt: StepPerformer.Attempt, _ context: RunContext) async throws -> StepRecord? {
        let outcome = try await performer.perform(attempt)
        guard let ended = outcome.ending else {
            // Stopped in the middle: no attempt is charged.
            attempt.logger.info("Step handed back because of shutdown", metadata: ["step.id": "\(attempt.step.id)"])
            try await release(to: .queued(dueAt: clock.now), nil, at: context)
            return nil
        }
        if case .refused(let wait, let until) = ended {
            try await release(to: .waiting(wait, dueAt: until), nil, at: context)
            await performer.lookAgain(wait.destination, context.logger)
            return nil
        }
        guard case .failed(let failure) = ended else { return outcome.record(isFinal: true) }
        let failures = attempt.progress.failures(of: attempt.step.id) + 1
        let isFinal = !failure.isWorthRetrying || failures >= attempt.step.retry.attempts
        let record = outcome.record(isFinal: isFinal)
        var details: Logger.Metadata = [
            "step.id": "\(attempt.step.id)", "reason": "\(failure.reason)", "attempt": "\(attempt.number)",
        ]
        if isFinal {
            // Where the run fails by it, that line tells all; so here it is reported only where the chain goes on.
            let level: Logger.Level = attempt.step.continuesOnError ? .warning : .debug
            attempt.logger.log(level: level, "Step failed for good", metadata: details)
            return record
        }
        let planned = attempt.step.retry.wait(afterFailures: failures, spread: spread())
        let wait = max(planned, failure.retryAfter ?? .zero)
        details["wait"] = "\(wait.text)"
        attempt.logger.info("Step failed, will be retried", metadata: details)
        try await release(to: .queued(dueAt: clock.now.addingTimeInterval(wait.timeInterval)), record, at: context)
        return nil
    }

    /// Lets go of the run; one that fails raises its event in the same transaction, by the step and the reason that are its
    /// cause.
    func release(
        to ending: RunEnding,
        _ record: StepRecord?,
        cause: (step: String?, reason: String)? = nil,
        at context: RunContext
    ) async throws {
        let (claimed, now) = (context.claimed, clock.now)
        let failure = cause.map {
            RunFailure(of: claimed.run, for: claimed.event, step: $0.step, reason: $0.reason)
        }
        let event = ending == .failed ? failure?.delivery(at: now) : nil
        context.lettingGo()
        try await write(context) {
            try await store.release(
                claimed.run.id,
                lease: context.lease,
                to: ending,
                recording: record,
                raising: event,
                at: now
            )
        }
        FailPoint.afterRelease.reach()
        if case .waiting(let wait, _) = ending, wait.isForPause { try await makeDueUnlessPaused(wait) }
        context.trace?.end(ending.word, failure: ending == .failed ? cause?.reason : nil)
    }

    /// Writes a result, however long the store cannot; a result that exists is recorded before anything follows.
    func write(_ context: RunContext, _ work: @escaping @Sendable () async throws -> Void) async throws {
        var pause: TimeInterval = 1
        while true {
            do {
                return try await shielded(work)
            } catch StoreError.cannotWrite(let reason), StoreError.unreachable(let reason) {
                context.logger.error("A result cannot be recorded, retrying", metadata: ["error": "\(reason)"])
                try await clock.sleep(until: clock.now.addingTimeInterval(pause))
                pause = min(pause * 2, 30)
            }
        }
    }

    private func giveUp(_ error: UnknownRuleSet, at context: RunContext) async {
        let now = clock.now
        let record = StepRecord(
            stepID: nil,
            attempt: 1,
            generation: context.claimed.run.retries,
            status: .failed,
            isFinal: true,
            plan: nil,
            output: nil,
            reason: error.description,
            startedAt: now,
            finishedAt: now
        )
        context.logger.error("Run failed", metadata: ["error": "\(error)"])
        do {
            try await release(to: .failed, record, cause: (nil, error.description), at: context)
            count(.failed, context.claimed.records, context)
        } catch {
            context.logger.error("Run cannot continue", metadata: ["error": "\(error)"])
        }
    }

    /// Counts a run that has ended with these attempts.
    func count(_ state: Run.State, _ records: [StepRecord], _ context: RunContext) {
        let attempts = records.count { $0.status != .skipped }
        metrics.count(context.claimed.run, of: context.claimed.event, state, attempts: attempts, at: clock.now)
    }

    private func report(_ ending: RunEnding, _ progress: RunProgress, _ context: RunContext) {
        count(ending == .failed ? .failed : .succeeded, progress.records, context)
        switch ending {
        case .failed:
            context.logger.error(
                "Run failed",
                metadata: [
                    "step.id": "\(progress.cause?.step ?? "")", "reason": "\(progress.cause?.reason ?? "")",
                    "attempt": "\(progress.records.last { $0.stepID == progress.cause?.step }?.attempt ?? 0)",
                ]
            )
        case .succeeded: context.logger.debug("Run succeeded")
        case .queued, .waiting, .paused, .unmatched, .cancelled: break
        }
    }
}

extension RunEnding {
    /// The ending in one word, for those who read traces.
    fileprivate var word: String {
        switch self {
        case .succeeded: "succeeded"
        case .failed: "failed"
        case .queued: "queued"
        case .waiting: "waiting"
        case .paused: "paused"
        case .unmatched: "unmatched"
        case .cancelled: "cancelled"
        }
    }
}
