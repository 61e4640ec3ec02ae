package import Foundation

/// What is written down about one attempt at one step.
package struct StepRecord: Sendable {
    /// How an attempt ended.
    package enum Status: String, Sendable, CaseIterable {
        case succeeded
        case failed
        /// The step's `if` did not hold.
        case skipped
        /// The program ended before the attempt did; whether it acted is not known.
        case interrupted
    }

    /// The step; nil where the run failed before any step, since its rule set is unknown.
    package let stepID: String?

    /// The attempt, counted from 1 over all retries; 0 for a skipped step.
    package let attempt: Int

    /// The `retries` of the run when the attempt was made.
    package let generation: Int

    /// How the attempt ended.
    package let status: Status

    /// Whether no further attempt follows by itself.
    package let isFinal: Bool

    /// What the step was about to do, secrets masked.
    package let plan: JSON?

    /// What it left for the steps behind it, secrets masked.
    package let output: JSON?

    /// Reason.
    package let reason: String?

    /// When the attempt began.
    package let startedAt: Date

    /// When the attempt ended, or was found to be interrupted.
    package let finishedAt: Date

    /// The instance on whose machine the attempt left files, so that its run goes on there; nil where it may go on anywhere.
    ///
    /// The store keeps it with the run.
    package var home: String?

    /// A record; `plan` and `output` must be masked already.
    package init(
        stepID: String?,
        attempt: Int,
        generation: Int,
        status: Status,
        isFinal: Bool,
        plan: JSON?,
        output: JSON?,
        reason: String?,
        startedAt: Date,
        finishedAt: Date
    ) {
        self.stepID = stepID
        self.attempt = attempt
        self.generation = generation
        self.status = status
        self.isFinal = isFinal
        self.plan = plan
        self.output = output
        self.reason = reason
        self.startedAt = startedAt
        self.finishedAt = finishedAt
    }
}
