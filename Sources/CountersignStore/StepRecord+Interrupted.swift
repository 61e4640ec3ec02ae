package import CountersignCore
package import Foundation

extension StepRecord {
    /// What is written down about an attempt whose owner is gone.
    package static func interrupted(
        stepID: String,
        attempt: Int,
        generation: Int,
        startedAt: Date,
        at now: Date
    ) -> StepRecord {
        StepRecord(
            stepID: stepID,
            attempt: attempt,
            generation: generation,
            status: .interrupted,
            isFinal: false,
            plan: nil,
            output: nil,
            reason: "the worker stopped during the attempt; its effect is unknown",
            startedAt: startedAt,
            finishedAt: now
        )
    }
}
