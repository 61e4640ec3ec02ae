package import Foundation

/// A run's end by failure, and the event that tells of it.
package struct RunFailure: Sendable {
    private let run: Run
    private let event: Event?
    private let step: String?
    private let reason: String

    /// - Parameters:
    ///   - run: The run as it was begun.
    ///   - event: The event that it was for; nil where it can no longer be read.
    ///   - step: The id of the step that failed; nil if no step failed.
    ///   - reason: Why, secrets masked.
    package init(of run: Run, for event: Event?, step: String?, reason: String) {
        self.run = run
        self.event = event
        self.step = step
        self.reason = reason
    }

    /// The event to store with the end of the run; nil where the run was itself an answer to a failed run.
    ///
    /// An alert that cannot be sent must not raise alert after alert: whatever comes of an `X_RUN_FAILED`, over however many
    /// events that rules raise, raises none.
    package func delivery(at now: Date) -> Delivery? {
        if let event, event.name == SystemEvent.runFailed.name || Lineage(of: event).contains(.runFailed) { return nil }
        var fields: JSONObject = [
            "run": JSON(run.id.rawValue), "rule": .string(run.ruleID), "step": JSON(step),
            "reason": .string(SystemEvent.excerpt(reason)), "event": JSON(run.eventID.rawValue),
        ]
        if let event {
            if !event.account.isEmpty { fields["account"] = .string(event.account) }
            fields["eventName"] = .string(event.name)
            for key in ["packageId", "sessionUser"] {
                if let value = event.payload[key], value != .null { fields[key] = value }
            }
            fields[Lineage.key] = Lineage(beginningWith: event).json(parent: event, ruleID: run.ruleID)
        }
        // Once for each time that somebody sends the run in progress.
        return SystemEvent.runFailed.delivery(fields, key: "run \(run.id) failed, round \(run.retries)", at: now)
    }
}
