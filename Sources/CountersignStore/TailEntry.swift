package import CountersignModel
package import Foundation

/// Something that happened in a store: an event arrived, or an attempt at a step ended.
package struct TailEntry: Sendable {
    package enum Kind: Sendable {
        case event(StoredEvent)
        case attempt(Attempt)
    }

    /// An attempt at a step, as far as one line tells of it.
    package struct Attempt: Sendable {
        package let runID: Run.ID
        package let ruleID: String

        /// The step; nil where the run failed as a whole.
        package let stepID: String?

        package let number: Int
        package let status: StepRecord.Status
        package let isFinal: Bool
        package let reason: String?
        package let startedAt: Date

        package init(
            runID: Run.ID,
            ruleID: String,
            stepID: String?,
            number: Int,
            status: StepRecord.Status,
            isFinal: Bool,
            reason: String?,
            startedAt: Date
        ) {
            self.runID = runID
            self.ruleID = ruleID
            self.stepID = stepID
            self.number = number
            self.status = status
            self.isFinal = isFinal
            self.reason = reason
            self.startedAt = startedAt
        }
    }

    /// When it had happened: the event was stored, or the attempt had ended.
    package let at: Date

    package let eventID: Event.ID
    package let eventName: String
    package let packageID: String?
    package let kind: Kind

    package init(at: Date, eventID: Event.ID, eventName: String, packageID: String?, kind: Kind) {
        self.at = at
        self.eventID = eventID
        self.eventName = eventName
        self.packageID = packageID
        self.kind = kind
    }
}

/// What somebody who follows a store has seen of it.
package struct TailPosition: Sendable, Equatable {
    /// Which store it is: a backup in its place begins again.
    let store: String

    let eventID: Int64
    let attemptID: Int64
}

/// Which happenings to tell of.
package struct TailFilter: Sendable {
    package let eventName: String?
    package let packageID: String?

    package init(eventName: String? = nil, packageID: String? = nil) {
        self.eventName = eventName
        self.packageID = packageID
    }
}
