package import CountersignActions
package import CountersignCore
package import CountersignStore

/// Stores the events that rules raise in the inbox, where they are as safe as those of the vendor.
package struct InboxEvents: EventRaising {
    private let inbox: any Inbox
    private let clock: any WallClock

    /// Raised events are stored in `inbox`, with the time of `clock`.
    package init(inbox: any Inbox, clock: any WallClock) {
        self.inbox = inbox
        self.clock = clock
    }

    /// Stores a raised event, once for its key, and returns its number.
    ///
    /// - Throws: A failure that is worth retrying when the inbox cannot store it.
    package func raise(_ event: RaisedEvent) async throws(StepFailure) -> Event.ID {
        let delivery = Delivery(
            name: event.name,
            payload: event.payload,
            body: event.payload.bytes,
            origin: .rule,
            // The vendor's keys are digests, which never read like this.
            deduplicationKey: Array("emit \(event.key)".utf8),
            account: event.account
        )
        do {
            return try await inbox.append(delivery, at: clock.now).eventID
        } catch {
            throw StepFailure("'\(event.name)' cannot be stored: \(error)")
        }
    }
}
