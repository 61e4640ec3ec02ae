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
    package let name: String
    package let payload: JSON

    /// What every attempt to raise it has in common with the others, and with nothing else.
    package let key: String

    package init(name: String, payload: JSON, key: String) {
        self.name = name
        self.payload = payload
        self.key = key
    }
}

/// The place of one who has nowhere to store events.
package struct NoEventRaising: EventRaising {
    package init() {}

    package func raise(_ event: RaisedEvent) async throws(StepFailure) -> Event.ID {
        throw .final("'\(event.name)' cannot be raised, since there is no event store")
    }
}
