package import Foundation

/// Which stored events a decision looks back at.
package struct HistoryQuery: Sendable, Hashable {
    /// What the events have in common.
    package enum Scope: Sendable, Hashable {
        /// They are about this package.
        case package(String)
        /// They have one of these names, in ascending order.
        case names([String])
    }

    /// The most events that are looked at.
    package static let limit = 1_000

    /// What the events have in common.
    package let scope: Scope

    /// The earliest time of storing; nil for all.
    package let since: Date?

    /// A query; `since` is nil for all events.
    package init(_ scope: Scope, since: Date? = nil) {
        self.scope = scope
        self.since = since
    }
}

/// Stored events that a decision looks back at.
package struct EventHistory: Sendable {
    /// The events, those that were stored last first, `HistoryQuery.limit` at most.
    package let events: [Event]

    /// Whether there are more than that.
    package let isTruncated: Bool

    /// Events, the newest first.
    package init(events: [Event], isTruncated: Bool = false) {
        self.events = events
        self.isTruncated = isTruncated
    }
}

extension Event {
    /// By how much the vendor's clock may be ahead of ours.
    package static let clockTolerance: TimeInterval = 600

    /// The event's own time: `createdDate`, or its arrival where that is absent or more than ten minutes ahead of it.
    package var happenedAt: Date { Self.ownTime(of: payload, receivedAt: receivedAt) }

    /// The own time of an event with this payload that was stored at `receivedAt`.
    package static func ownTime(of payload: JSON, receivedAt: Date) -> Date {
        guard let created = payload["createdDate"]?.string.flatMap({ Date(outside: $0) }),
            created <= receivedAt.addingTimeInterval(clockTolerance)
        else { return receivedAt }
        return Date(milliseconds: created.milliseconds)
    }
}
