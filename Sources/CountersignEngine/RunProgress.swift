package import CountersignCore
package import CountersignRules
package import CountersignStore
package import Foundation

/// How far a run has come, read off its records; decides what comes next and nothing else.
package struct RunProgress: Sendable {
    /// What a run needs next.
    package enum Move: Sendable {
        /// Try a step, for the `number`th time counted over all rounds.
        case attempt(Step, number: Int)
        /// Nothing is left to do.
        case finish(RunEnding)
    }

    /// What a step came to.
    private enum Result {
        case succeeded
        case skipped
        case failed(StepRecord)
    }

    /// How often the program may die during one step before the step counts as failed.
    package static let toleratedInterruptions = 3

    /// The rule that the run executes, from the rule set that the run goes by.
    package let rule: Rule

    /// How often a person sent the run in progress again.
    package let generation: Int

    /// All attempts, in the order in which they were made.
    package private(set) var records: [StepRecord]

    /// From which step on only results since a round count.
    private let resumePoint: Run.ResumePoint?

    /// The progress of a run of `rule` with all its attempts; without `resumePoint`, every result of the chain counts.
    package init(rule: Rule, generation: Int, resumePoint: Run.ResumePoint? = nil, records: [StepRecord]) {
        self.rule = rule
        self.generation = generation
        self.resumePoint = resumePoint
        self.records = records
    }

    /// Adds an attempt that was just made.
    package mutating func append(_ record: StepRecord) {
        records.append(record)
    }

    /// What comes next: the chain, then `on_failure` where it failed, then `always`.
    package var next: Move {
        for step in rule.steps {
            guard let result = result(of: step) else { return attempt(step) }
            if case .failed = result, !step.continuesOnError { break }
        }
        if failure != nil {
            for step in rule.onFailure {
                guard let result = result(of: step) else { return attempt(step) }
                if case .failed = result, !step.continuesOnError { break }
            }
        }
        // Each of them runs, whatever became of the others.
        for step in rule.always where result(of: step) == nil { return attempt(step) }
        return .finish(failure == nil && failureOfAlways == nil ? .succeeded : .failed)
    }

    /// The step that stopped the chain.
    package var failure: Scope.Failure? {
        stoppingFailure(in: rule.steps)
    }

    /// The step that made the run fail, and why.
    package var cause: (step: String, reason: String)? {
        (failure ?? failureOfAlways).map { ($0.step, $0.reason) }
    }

    private var failureOfAlways: Scope.Failure? {
        stoppingFailure(in: rule.always)
    }

    private func stoppingFailure(in steps: [Step]) -> Scope.Failure? {
        for step in steps where !step.continuesOnError {
            guard case .failed(let record)? = result(of: step) else { continue }
            return Scope.Failure(
                step: step.id,
                reason: record.reason ?? "it failed",
                attempts: failures(of: step.id)
            )
        }
        return nil
    }

    /// The steps that have a result, as templates and conditions see them.
    package var values: JSONObject {
        var values = JSONObject()
        for step in rule.steps + rule.onFailure + rule.always {
            guard let result = result(of: step) else { continue }
            var value = record(of: step)?.output?.object ?? JSONObject()
            switch result {
            case .succeeded: value["status"] = "succeeded"
            case .skipped: value["status"] = "skipped"
            case .failed(let record):
                value["status"] = "failed"
                value["reason"] = JSON(record.reason)
            }
            values[step.id] = .object(value)
        }
        return values
    }

    /// How many tries at the step have failed in this round.
    package func failures(of stepID: String) -> Int {
        records.count { $0.stepID == stepID && $0.generation == generation && $0.status == .failed }
    }

    /// When a step may begin that the program did not survive several times: others go first, and callbacks.
    ///
    /// After the first time it may at once.
    package func resumption(of stepID: String) -> Date? {
        let count = interruptions(of: stepID)
        guard count > 1, let last = records.last(where: { $0.stepID == stepID && $0.status == .interrupted }) else {
            return nil
        }
        return last.finishedAt.addingTimeInterval(Double(1 << min(count - 1, 6)))
    }

    /// How often the program died during the step in this round.
    package func interruptions(of stepID: String) -> Int {
        records.count { $0.stepID == stepID && $0.generation == generation && $0.status == .interrupted }
    }

    private func attempt(_ step: Step) -> Move {
        .attempt(step, number: records.count { $0.stepID == step.id } + 1)
    }

    /// The record that holds the step's result; nil while it has none.
    private func record(of step: Step) -> StepRecord? {
        let place = rule.steps.firstIndex { $0.id == step.id }
        let belongsToChain = place != nil
        let earliest = place.map { earliestGeneration(at: $0) } ?? generation
        return records.last { record in
            guard record.stepID == step.id, record.generation >= earliest else { return false }
            switch record.status {
            // What the chain has done stays done; on_failure and always belong to their round.
            case .succeeded, .skipped: return belongsToChain || record.generation == generation
            case .failed:
                return record.isFinal && (record.generation == generation || (belongsToChain && step.continuesOnError))
            case .interrupted: return false
            }
        }
    }

    /// The round since when results of the chain's step at `place` count.
    private func earliestGeneration(at place: Int) -> Int {
        guard let resumePoint else { return 0 }
        let first = resumePoint.stepID.map { id in rule.steps.firstIndex { $0.id == id } } ?? 0
        return first.map { place >= $0 ? resumePoint.generation : 0 } ?? 0
    }

    private func result(of step: Step) -> Result? {
        guard let record = record(of: step) else { return nil }
        switch record.status {
        case .succeeded: return .succeeded
        case .skipped: return .skipped
        case .failed: return .failed(record)
        case .interrupted: return nil
        }
    }
}
