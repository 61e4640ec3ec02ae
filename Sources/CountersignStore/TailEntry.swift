package import CountersignCore
package import Foundation

/// Something that happened in a store: an event arrived, or an attempt at a step ended.
package struct TailEntry: Sendable {
    /// What happened, with its details.
    package enum Kind: Sendable {
        case event(Arrival)
        case attempt(Attempt)
    }

    /// An event that arrived, as far as one line tells of it.
    package struct Arrival: Sendable {
        /// How it arrived.
        package let origin: Event.Origin

        /// The `message` of its payload; nil where there is none.
        package let message: JSON?

        /// What of it is damaged; nil for a whole one.
        package let damage: String?

        /// An event that arrived, with the `message` of its payload.
        package init(origin: Event.Origin, message: JSON?, damage: String?) {
            self.origin = origin
            self.message = message
            self.damage = damage
        }
    }

    /// An attempt at a step, as far as one line tells of it.
    package struct Attempt: Sendable {
        /// The number of the run that the attempt belongs to.
        package let runID: Run.ID

        /// The id of the run's rule.
        package let ruleID: String

        /// The step; nil where the run failed as a whole.
        package let stepID: String?

        /// The attempt, counted from 1 over all retries; 0 for a skipped step.
        package let number: Int

        /// How the attempt ended.
        package let status: StepRecord.Status

        /// Whether no further attempt follows by itself.
        package let isFinal: Bool

        /// Why the attempt failed or was interrupted, or what is damaged where its record is; nil for all others.
        package let reason: String?

        /// When the attempt began.
        package let startedAt: Date

        /// An attempt as a store read it.
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

    /// The event that arrived, or that the attempt was made for.
    package let eventID: Event.ID

    /// The name of that event.
    package let eventName: String

    /// The id of the package that the event is about; nil where it names none.
    package let packageID: String?

    /// Whether the event arrived or an attempt ended, with the details.
    package let kind: Kind

    /// An entry that happened at a time, as a store read it.
    package init(at: Date, eventID: Event.ID, eventName: String, packageID: String?, kind: Kind) {
        self.at = at
        self.eventID = eventID
        self.eventName = eventName
        self.packageID = packageID
        self.kind = kind
    }
}

extension TailEntry {
    /// The arrival of an event.
    package init(_ stored: StoredEvent) {
        self.init(
            at: stored.event.receivedAt,
            eventID: stored.event.id,
            eventName: stored.event.name,
            packageID: stored.event.packageKey,
            kind: .event(
                Arrival(
                    origin: stored.event.origin,
                    message: stored.event.payload["message"],
                    damage: stored.damage
                )
            )
        )
    }
}

/// A position in the order in which a store tells what happens; only the store that gave it reads it.
package struct TailPosition: Sendable, Equatable {
    /// The position in a form that can be handed out and taken back.
    package let text: String

    /// The position that a store wrote as `text`.
    package init(text: String) {
        self.text = text
    }
}

/// A store that tells what happens in it.
package protocol TailingStore: Sendable {
    /// What happened last, the oldest first, and from where to go on: the newest `count` events with all that was done for
    /// them, or those since a time.
    ///
    /// - Throws: `StoreError`.
    func newest(
        _ count: Int,
        since: Date?,
        _ filter: TailFilter
    ) async throws -> (entries: [TailEntry], position: TailPosition)

    /// What happened after `position`, the oldest first, and from where to go on.
    ///
    /// - Throws: `StoreError`.
    func entries(
        after position: TailPosition,
        _ filter: TailFilter
    ) async throws -> (entries: [TailEntry], position: TailPosition)
}

/// Which happenings to tell of.
package struct TailFilter: Sendable {
    /// Only entries about events of exactly this name; nil for all.
    package let eventName: String?

    /// Only entries about events of the package with this id; nil for all.
    package let packageID: String?

    /// A filter that a nil argument does not restrict.
    package init(eventName: String? = nil, packageID: String? = nil) {
        self.eventName = eventName
        self.packageID = packageID
    }
}
