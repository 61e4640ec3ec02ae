package import CountersignModel
package import Foundation

/// What people ask of the store; reads only.
package protocol Archive: Sendable {
    /// Events, the newest first: by the time of storing, then by number.
    func events(_ query: EventQuery) async throws -> [StoredEvent]

    /// One event with its body as it came; nil when there is none.
    func event(_ id: Event.ID) async throws -> StoredEvent?

    /// Bodies that could not be read, the newest first.
    func quarantined(limit: Int) async throws -> [QuarantinedBody]

    /// Runs, the newest first.
    func runs(_ query: RunQuery) async throws -> [Run]

    /// One run with its event and every attempt; nil when there is none.
    func run(_ id: Run.ID) async throws -> ClaimedRun?

    /// How many runs there are in each state that has any.
    func runCounts() async throws -> [Run.State: Int]
}

/// Which events to show.
package struct EventQuery: Sendable {
    package var name: String?
    package var packageID: String?
    package var since: Date?
    package var limit: Int

    package init(name: String? = nil, packageID: String? = nil, since: Date? = nil, limit: Int = 50) {
        self.name = name
        self.packageID = packageID
        self.since = since
        self.limit = limit
    }
}

/// Which runs to show.
package struct RunQuery: Sendable {
    package var eventID: Event.ID?
    package var ruleID: String?
    package var state: Run.State?
    package var limit: Int

    package init(eventID: Event.ID? = nil, ruleID: String? = nil, state: Run.State? = nil, limit: Int = 50) {
        self.eventID = eventID
        self.ruleID = ruleID
        self.state = state
        self.limit = limit
    }
}

/// An event as it lies in the store.
package struct StoredEvent: Sendable {
    package let event: Event

    /// The body as it came, byte for byte.
    package let body: [UInt8]

    /// How many further deliveries of the same event came in.
    package let duplicates: Int

    /// When its runs were made; nil while it waits.
    package let dispatchedAt: Date?

    /// The rule set that judged it.
    package let ruleSet: RuleSetVersion?

    package init(
        event: Event,
        body: [UInt8],
        duplicates: Int,
        dispatchedAt: Date?,
        ruleSet: RuleSetVersion?
    ) {
        self.event = event
        self.body = body
        self.duplicates = duplicates
        self.dispatchedAt = dispatchedAt
        self.ruleSet = ruleSet
    }
}

/// A body that could not be read as an event.
package struct QuarantinedBody: Sendable {
    package let id: Int64
    package let body: [UInt8]
    package let reason: String
    package let receivedAt: Date

    package init(id: Int64, body: [UInt8], reason: String, receivedAt: Date) {
        self.id = id
        self.body = body
        self.reason = reason
        self.receivedAt = receivedAt
    }
}
