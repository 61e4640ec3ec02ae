public import CountersignCore
public import Logging

/// What an action is reported and lent when it acts.
public struct ActionContext: Sendable {
    /// The event that the run is about.
    public let event: Event

    /// The run that the step belongs to.
    public let runID: Run.ID

    /// The rule that the run follows.
    public let ruleID: String

    /// The step that acts.
    public let stepID: String

    /// The attempt at the step, counted from 1.
    public let attempt: Int

    /// The same for every attempt at this step of this run, and for nothing else in the world.
    public let idempotencyKey: String

    /// What is sent on to whom the step asks, as the header `traceparent` of W3C Trace Context; nil where nothing is traced.
    public let traceparent: String?

    /// A logger that carries the ids of event, run, rule and step.
    public let logger: Logger

    /// The ways to the outside world.
    package let services: ActionServices

    /// The context of one attempt; `traceparent` is nil where nothing is traced.
    package init(
        event: Event,
        runID: Run.ID,
        ruleID: String,
        stepID: String,
        attempt: Int,
        idempotencyKey: String,
        traceparent: String? = nil,
        logger: Logger,
        services: ActionServices
    ) {
        self.event = event
        self.runID = runID
        self.ruleID = ruleID
        self.stepID = stepID
        self.attempt = attempt
        self.idempotencyKey = idempotencyKey
        self.traceparent = traceparent
        self.logger = logger
        self.services = services
    }
}
