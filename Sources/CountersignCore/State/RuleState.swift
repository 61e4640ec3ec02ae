package import Foundation

/// What a rule keeps for one key until it is due, or as long as it counts: a row of the store.
package struct RuleState: Sendable, Equatable {
    /// The number under which people name it.
    package typealias ID = Int64

    /// The word of the rule by which it is kept.
    package enum Kind: String, Sendable, CaseIterable {
        /// An entry of `after` that is not due yet.
        case timer
        /// The window of a `throttle`.
        case throttle
        /// The newest matches that a `threshold` counts.
        case threshold
        /// The newest event of a `debounce`.
        case debounce
        /// What a `digest` has gathered.
        case digest
        /// The next occurrence of a rule's `schedule`.
        case schedule
    }

    /// The number that the store gave it; nil before it is stored.
    package let id: ID?

    /// The rule and the key that it is kept for.
    package let key: StateKey

    /// The number of the entry of `after`, counted from 1; empty for all else.
    ///
    /// A key has one state for each part.
    package let part: String

    /// The word of the rule by which it is kept.
    package let kind: Kind

    /// The shape of the rule by which it was made: see `Rule.shape`.
    package var shape: String

    /// The event that opened it, or the newest one of a `debounce`; nil for a schedule.
    package var eventID: Event.ID?

    /// The package of that event, so that what is open for a package can be found.
    package var packageID: String?

    /// When it was opened.
    package var openedAt: Date

    /// When it is due; nil for what only counts.
    package var dueAt: Date?

    /// When it is of no use any more and may be removed; nil for what ends otherwise.
    package var expiresAt: Date?

    /// What the rule counts, in a form that only the decision function reads; 8 KiB at most.
    package var data: JSON

    /// A state; `id` is nil before it is stored.
    package init(
        id: ID? = nil,
        key: StateKey,
        part: String = "",
        kind: Kind,
        shape: String,
        eventID: Event.ID? = nil,
        packageID: String? = nil,
        openedAt: Date,
        dueAt: Date? = nil,
        expiresAt: Date? = nil,
        data: JSON = .object([:])
    ) {
        self.id = id
        self.key = key
        self.part = part
        self.kind = kind
        self.shape = shape
        self.eventID = eventID
        self.packageID = packageID
        self.openedAt = openedAt
        self.dueAt = dueAt
        self.expiresAt = expiresAt
        self.data = data
    }
}

extension RuleState {
    /// The key of `data` that tells that the due time was computed from the clock of this machine, and not from a time that
    /// the event or the rule names: where the clock is set back, it is set back with it.
    package static let followsClock = "follows_clock"

    /// Whether the due time is set back with the clock.
    package var followsClock: Bool { data[Self.followsClock] == true }
}

/// What a decision changes of the states of a rule.
package enum StateChange: Sendable, Equatable {
    /// Stands in the place of the state of the same key and part, whose number stays.
    case set(RuleState)
    /// The state of this key and part is closed.
    case remove(StateKey, part: String)
    /// The event belongs to the next digest of the key; once, however often it is added.
    case gather(StateKey, Event.ID)
    /// The digest of the key was made: nothing is gathered any more.
    case clear(StateKey)
}
