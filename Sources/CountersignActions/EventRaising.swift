package import CountersignCore

/// The way to raise events.
package protocol EventRaising: Sendable {
    /// Stores an event that a rule raises, once for its key; when it returns, the event is on stable storage.
    ///
    /// - Returns: The number of the event, which is that of the first one when it was raised before.
    func raise(_ event: RaisedEvent) async throws(StepFailure) -> Event.ID
}

/// An event that a rule raises.
package struct RaisedEvent: Sendable {
    /// The event's name, which begins with `X_`.
    package let name: String

    /// The whole payload, with `name` and with the events that led to it under `countersign`.
    package let payload: JSON

    /// The account of the event that led to it.
    package let account: String

    /// What every attempt to raise it has in common with the others, and with nothing else.
    package let key: String

    /// An event to raise; `key` is the step's idempotency key, so that a retry does not raise it again.
    package init(name: String, payload: JSON, account: String = "", key: String) {
        self.account = account
        self.name = name
        self.payload = payload
        self.key = key
    }
}

/// The place of one who has nowhere to store events.
package struct NoEventRaising: EventRaising {
    /// For commands that run without an event store.
    package init() {}

    /// Always fails, with a failure that is not worth retrying.
    package func raise(_ event: RaisedEvent) async throws(StepFailure) -> Event.ID {
        throw .final("'\(event.name)' cannot be raised, since there is no event store")
    }
}
