import CountersignModel
import Foundation

extension StepRecord {
    /// What is written down about an attempt whose owner is gone.
    static func interrupted(
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
            reason: "the worker was gone before the attempt ended; whether it acted is not known",
            startedAt: startedAt,
            finishedAt: now
        )
    }
}
