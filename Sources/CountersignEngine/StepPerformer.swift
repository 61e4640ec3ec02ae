import CountersignActions
import CountersignCore
import CountersignObservability
import CountersignOutbound
import CountersignRules
import CountersignStore
import Foundation
import Logging

/// Makes one attempt at one step: evaluates its `if`, plans it, performs it within its time.
struct StepPerformer: Sendable {
    /// The attempt to make.
    struct Attempt: Sendable {
        let step: Step
        let number: Int
        let progress: RunProgress
        let claimed: ClaimedRun
        let lease: Lease.ID

        /// What templates find beside the event: see `Run.facts`.
        let facts: JSON?
        let secrets: Secrets
        let trace: RunTrace?
        let logger: Logger
    }

    /// Result.
    struct Outcome: Sendable {
        enum Ending: Sendable {
            case succeeded(JSONObject)
            case skipped
            case failed(StepFailure)
            /// Nothing was tried: whom it needs is busy or down.
            case refused(RunWait, until: Date)
        }

        let attempt: Attempt
        let startedAt: Date
        let finishedAt: Date
        let plan: JSON?

        /// Whom it went to, where it was anybody.
        let destination: String?

        /// The instance on whose machine it left files.
        let home: String?

        /// Nil when the program was stopped in the middle.
        let ending: Ending?

        func record(isFinal: Bool) -> StepRecord {
            let secrets = attempt.secrets
            let (status, output, reason): (StepRecord.Status, JSON?, String?) =
                switch ending {
                case .succeeded(let outputs): (.succeeded, .object(outputs), nil)
                case .skipped: (.skipped, nil, nil)
                case .failed(let failure): (.failed, failure.output, failure.reason)
                case .refused(let wait, _): (.interrupted, nil, wait.reason)
                case nil: (.interrupted, nil, nil)
                }
            var record = StepRecord(
                stepID: attempt.step.id,
                attempt: attempt.number,
                generation: attempt.progress.generation,
                status: status,
                isFinal: isFinal,
                plan: plan.map { secrets.masking($0) },
                output: output.map { secrets.masking($0) },
                reason: reason.map { secrets.masking($0) },
                startedAt: startedAt,
                finishedAt: finishedAt
            )
            // Also an attempt that failed may have left some.
            if plan != nil, status == .succeeded || status == .failed { record.home = home }
            return record
        }
    }

    let store: any Store
    let planner: Planner
    let services: ActionServices
    let limiter: DestinationLimiter
    let metrics: RunMetrics

    /// What is paused; nil where nothing can be.
    let pauses: PauseBook?

    /// The name of this instance, where runs whose steps leave files stay with it.
    let home: String?
    let clock: any WallClock

    /// Makes the attempt.
    ///
    /// - Throws: `StoreError` when the beginning cannot be written down; nothing was done then.
    func perform(_ attempt: Attempt) async throws -> Outcome {
        let trace = attempt.trace?.step(attempt.step.id, action: attempt.step.action, attempt: attempt.number)
        do {
            let outcome = try await outcome(of: attempt, trace)
            trace?.end(outcome)
            return outcome
        } catch {
            trace?.end("interrupted", failure: "\(error)")
            throw error
        }
    }

    private func outcome(of attempt: Attempt, _ trace: StepTrace?) async throws -> Outcome {
        let startedAt = clock.now
        let values = attempt.progress.values
        func outcome(_ prepared: PreparedStep?, _ ending: Outcome.Ending?) -> Outcome {
            Outcome(
                attempt: attempt,
                startedAt: startedAt,
                finishedAt: clock.now,
                plan: prepared?.plan,
                destination: prepared?.destination,
                home: planner.registry.leavesFiles(attempt.step.action, attempt.step.options) ? home : nil,
                ending: ending
            )
        }
        guard isWanted(attempt, at: startedAt) else { return outcome(nil, .skipped) }
        if attempt.progress.interruptions(of: attempt.step.id) >= RunProgress.toleratedInterruptions {
            let times = RunProgress.toleratedInterruptions
            return outcome(nil, .failed(.final("the server ended \(times) times during this step")))
        }
        let prepared: PreparedStep
        do throws(StepFailure) {
            prepared = try await planner.prepare(attempt.step, in: scope(attempt, values))
                .of(account: attempt.claimed.event.account)
        } catch {
            return outcome(nil, .failed(error))
        }
        return outcome(prepared, try await ending(of: prepared, attempt, startedAt, trace))
    }

    /// Acts, where the step's destination has a place for it.
    private func ending(
        of prepared: PreparedStep,
        _ attempt: Attempt,
        _ startedAt: Date,
        _ trace: StepTrace?
    ) async throws -> Outcome.Ending? {
        var isProbe = false
        if let destination = prepared.destination {
            switch await acquire(destination, isLocal: prepared.isLocal, attempt.logger) {
            case .granted(let isFirst): isProbe = isFirst
            case .refused(let wait, let until): return .refused(wait, until: until)
            }
        }
        let ending: Outcome.Ending?
        do {
            ending = try await act(prepared, attempt, startedAt, trace?.traceparent)
        } catch {
            await leave(prepared.destination, nil, isProbe, attempt.logger)
            throw error
        }
        FailPoint.afterStep.reach()
        await leave(prepared.destination, ending, isProbe, attempt.logger)
        count(ending, of: attempt, since: startedAt)
        return ending
    }

    /// Whether the step's own condition holds.
    func isWanted(_ attempt: Attempt, at now: Date) -> Bool {
        guard let condition = attempt.step.condition else { return true }
        return condition.holds(
            in: EvaluationContext(
                event: attempt.claimed.event,
                steps: attempt.progress.values,
                configured: services.configured.adding(secrets: attempt.secrets.names),
                facts: attempt.facts,
                now: now
            )
        )
    }

    private func count(_ ending: Outcome.Ending?, of attempt: Attempt, since start: Date) {
        let result =
            switch ending {
            case .succeeded?: "succeeded"
            case .failed?: "failed"
            case .skipped?, .refused?, nil: "interrupted"
            }
        metrics.count(
            stepOf: attempt.progress.rule.id,
            action: attempt.step.action,
            result,
            took: .milliseconds(max(0, clock.now.milliseconds - start.milliseconds))
        )
    }

    /// Writes down that the attempt begins, and makes it.
    private func act(
        _ prepared: PreparedStep,
        _ attempt: Attempt,
        _ startedAt: Date,
        _ traceparent: String?
    ) async throws -> Outcome.Ending? {
        try await store.begin(
            stepID: attempt.step.id,
            attempt: attempt.number,
            of: attempt.claimed.run.id,
            lease: attempt.lease,
            at: startedAt
        )
        FailPoint.afterBegin.reach()
        let context = context(attempt, traceparent)
        return await OutgoingTrace.$traceparent.withValue(traceparent) {
            await ending(within: attempt.step.timeout) { () async throws(StepFailure) in
                try await prepared.perform(context)
            }
        }
    }

    func scope(_ attempt: Attempt, _ values: JSONObject) -> Scope {
        let rule = attempt.progress.rule
        return Scope(
            event: attempt.claimed.event,
            ruleID: rule.id,
            ruleFolder: rule.folder,
            runID: attempt.claimed.run.id,
            stepID: attempt.step.id,
            attempt: attempt.number,
            steps: Dictionary(uniqueKeysWithValues: values.members.map { ($0.key, .known($0.value)) }),
            failure: attempt.progress.failure,
            facts: attempt.facts,
            secrets: attempt.secrets
        )
    }

    /// The same for every attempt at a step of a rule for an event, also when the event is replayed.
    ///
    /// Each part of a rule has its own: three reminders of one event are three messages to every receiver.
    private func idempotencyKey(of attempt: Attempt) -> String {
        let run = attempt.claimed.run
        let part = run.part.isEmpty ? "" : "-\(run.part)"
        return "\(store.identity)-\(attempt.claimed.event.id)-\(attempt.progress.rule.id)\(part)-\(attempt.step.id)"
    }

    private func context(_ attempt: Attempt, _ traceparent: String?) -> ActionContext {
        var logger = attempt.logger
        logger[metadataKey: "step.id"] = "\(attempt.step.id)"
        return ActionContext(
            event: attempt.claimed.event,
            runID: attempt.claimed.run.id,
            ruleID: attempt.progress.rule.id,
            stepID: attempt.step.id,
            attempt: attempt.number,
            idempotencyKey: idempotencyKey(of: attempt),
            traceparent: traceparent,
            logger: logger,
            services: services.serving(attempt.claimed.event.account)
        )
    }

    private enum Signal: Sendable {
        case ended(Outcome.Ending)
        case timeIsUp
    }

    /// What `work` came to; its task is cancelled when its time is up, and awaited, so that nothing of it stays behind.
    private func ending(
        within timeout: Duration,
        _ work: @escaping @Sendable () async throws(StepFailure) -> JSONObject
    ) async -> Outcome.Ending? {
        let deadline = clock.now.addingTimeInterval(timeout.timeInterval)
        return await withTaskGroup(of: Signal.self) { group in
            group.addTask {
                do throws(StepFailure) {
                    return .ended(.succeeded(try await work()))
                } catch {
                    return .ended(.failed(error))
                }
            }
            group.addTask {
                try? await clock.sleep(until: deadline)
                return .timeIsUp
            }
            var isTimedOut = false
            while let signal = await group.next() {
                switch signal {
                case .timeIsUp:
                    isTimedOut = !Task.isCancelled
                    group.cancelAll()
                case .ended(.failed) where Task.isCancelled: return nil
                case .ended(.failed(let failure)) where isTimedOut:
                    let reason = "it exceeded its timeout of \(timeout.text)"
                    return .failed(StepFailure(reason, isOutage: true, output: failure.output))
                case .ended(let ending):
                    group.cancelAll()
                    return ending
                }
            }
            return nil
        }
    }
}

extension StepTrace {
    /// The attempt ended like this.
    fileprivate func end(_ outcome: StepPerformer.Outcome) {
        let secrets = outcome.attempt.secrets
        let (status, output, failure): (String, JSON?, String?) =
            switch outcome.ending {
            case .succeeded(let outputs): ("succeeded", .object(outputs), nil)
            case .skipped: ("skipped", nil, nil)
            case .failed(let failure): ("failed", failure.output, secrets.masking(failure.reason))
            case .refused: ("waiting", nil, nil)
            case nil: ("interrupted", nil, nil)
            }
        end(status, to: outcome.destination, answer: output?["status_code"]?.number?.integer, failure: failure)
    }
}
