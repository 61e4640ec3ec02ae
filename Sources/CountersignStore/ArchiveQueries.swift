package import CountersignCore
package import Foundation

/// A place between two events, in the order of the time of storing, then of numbers.
package struct EventPosition: Sendable, Hashable {
    /// When the event was stored; a store compares it in milliseconds.
    package let receivedAt: Date

    /// The number of the event, which orders events that were stored in the same millisecond.
    package let id: Event.ID

    /// The position of the event with this time and number; the store need not hold it any more.
    package init(receivedAt: Date, id: Event.ID) {
        self.receivedAt = receivedAt
        self.id = id
    }

    /// Right behind `event`.
    package init(after event: Event) {
        receivedAt = event.receivedAt
        id = event.id
    }

    /// Before every event that was stored at `date` or later; before all events without one.
    package init(before date: Date?) {
        receivedAt = date ?? .distantPast
        id = Event.ID(rawValue: 0)
    }
}

/// Which events to show.
package struct EventQuery: Sendable {
    /// Only events of exactly this name; nil for all.
    package var name: String?

    /// Only events about the package of this id, behind `ACCOUNT/` where the account has a name; nil for all.
    package var packageID: String?

    /// Only events of the account of this name; nil for all.
    package var account: String?

    /// Only events that arrived in this way; nil for all.
    package var origin: Event.Origin?

    /// Only events that were stored at this time or later.
    package var since: Date?

    /// Only events that were stored before this time.
    package var until: Date?

    /// Only events before this place.
    package var before: EventPosition?

    /// Only events whose body holds this text, be it escaped there or not, in whatever case; `Archive.page` alone looks
    /// for it.
    package var text: String?

    /// How many events are returned at most.
    package var limit: Int

    /// A query that a nil argument does not restrict.
    package init(
        name: String? = nil,
        packageID: String? = nil,
        account: String? = nil,
        origin: Event.Origin? = nil,
        since: Date? = nil,
        until: Date? = nil,
        before: EventPosition? = nil,
        text: String? = nil,
        limit: Int = 50
    ) {
        self.name = name
        self.packageID = packageID
        self.account = account
        self.origin = origin
        self.since = since
        self.until = until
        self.before = before
        self.text = text
        self.limit = limit
    }

    /// How many events are looked through for a text or an origin before an answer is given: about 50 ms of work.
    package static let searchDepth = 20_000
}

/// Which packages to show.
package struct PackageQuery: Sendable {
    /// Only packages whose id begins with this.
    package var prefix: String?

    /// Only packages to which this event happened; in the time that is asked for, if one is.
    package var event: String?

    /// Only packages to which something happened at this time or later.
    package var since: Date?

    /// Only packages to which something happened before this time.
    package var until: Date?

    /// Only packages behind this one, as a page before this one gave it.
    package var after: PackagePosition?

    /// How many packages are returned at most.
    package var limit: Int

    /// A query that a nil argument does not restrict.
    package init(
        prefix: String? = nil,
        event: String? = nil,
        since: Date? = nil,
        until: Date? = nil,
        after: PackagePosition? = nil,
        limit: Int = 50
    ) {
        self.prefix = prefix
        self.event = event
        self.since = since
        self.until = until
        self.after = after
        self.limit = limit
    }

    /// Whether the packages are listed in the order of their ids.
    package var isByID: Bool { prefix != nil && event == nil && since == nil && until == nil }
}

/// A place behind a package of a list.
package enum PackagePosition: Sendable, Hashable {
    /// Behind the package of this id, in the order of ids.
    case id(String)

    /// Behind the package whose latest event is this one, the latest first.
    case event(EventPosition)
}

/// Which bodies that could not be read to show.
package struct QuarantineQuery: Sendable {
    /// Only bodies that came at this time or later.
    package var since: Date?

    /// Only bodies with lower numbers than this.
    package var before: Int64?

    /// How many bodies are returned at most.
    package var limit: Int

    /// A query that a nil argument does not restrict.
    package init(since: Date? = nil, before: Int64? = nil, limit: Int = 50) {
        self.since = since
        self.before = before
        self.limit = limit
    }
}

/// Which runs to show.
package struct RunQuery: Sendable {
    /// Only runs for this event; nil for those of all events.
    package var eventID: Event.ID?

    /// Only runs of the rule with this id; nil for those of all rules.
    package var ruleID: String?

    /// Only runs that are in this state; nil for all.
    package var state: Run.State?

    /// Only runs for events of this package.
    package var packageID: String?

    /// Only runs for events of the account of this name.
    package var account: String?

    /// Only runs that were made at this time or later.
    package var since: Date?

    /// Only runs that were made before this time.
    package var until: Date?

    /// Only runs with lower numbers than this.
    package var before: Run.ID?

    /// Only runs with this number or higher ones.
    package var from: Run.ID?

    /// How many runs are returned at most.
    package var limit: Int

    /// A query that a nil argument does not restrict; `from` is not an argument, since stores set it themselves.
    package init(
        eventID: Event.ID? = nil,
        ruleID: String? = nil,
        state: Run.State? = nil,
        packageID: String? = nil,
        account: String? = nil,
        since: Date? = nil,
        until: Date? = nil,
        before: Run.ID? = nil,
        limit: Int = 50
    ) {
        self.eventID = eventID
        self.ruleID = ruleID
        self.state = state
        self.packageID = packageID
        self.account = account
        self.since = since
        self.until = until
        self.before = before
        self.limit = limit
    }
}
