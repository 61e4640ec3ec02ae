package import CountersignCore
package import Foundation

/// What a condition is evaluated by.
package struct EvaluationContext: Sendable {
    /// The value that paths start in: the event's payload, or the event and the steps for a step's `if`.
    package let subject: JSON

    /// The event's name, for tests of `event`.
    package let eventName: String

    /// How the event arrived, for tests of `origin`.
    package let origin: Event.Origin

    /// The account that the event belongs to; empty where that has no name.
    package let account: String

    /// The time at which the event is evaluated.
    package let now: Date

    /// The package that the event is about: null where there is none, nil where nobody has asked yet.
    package let package: JSON?

    /// The signer whom the event's `sessionUser` names; nil where the package has no such one.
    package let signer: JSON?

    /// The number of the event; nil where none is evaluated.
    package let eventID: Event.ID?

    /// When the event was stored; nil where none is evaluated.
    package let receivedAt: Date?

    /// The stored events that `seen` looks back at; nil where nobody has read them yet.
    package var earlier: EventHistories?

    /// A context in which nobody has asked for the package yet, unless one is given.
    package init(
        subject: JSON,
        eventName: String,
        origin: Event.Origin,
        account: String = "",
        now: Date,
        package: JSON? = nil,
        signer: JSON? = nil,
        eventID: Event.ID? = nil,
        receivedAt: Date? = nil,
        earlier: EventHistories? = nil
    ) {
        self.eventID = eventID
        self.receivedAt = receivedAt
        self.earlier = earlier
        self.package = package
        self.signer = signer
        self.subject = subject
        self.eventName = eventName
        self.origin = origin
        self.account = account
        self.now = now
    }

    /// A rule's `when` is evaluated by the event's payload; `seen` in it needs the events that it looks back at.
    package init(event: Event, now: Date, earlier: EventHistories? = nil) {
        self.init(
            subject: event.fields,
            eventName: event.name,
            origin: event.origin,
            account: event.account,
            now: now,
            package: event.package,
            signer: event.signer,
            eventID: event.id,
            receivedAt: event.receivedAt,
            earlier: earlier
        )
    }

    /// A step's `if` is evaluated by `event.…`, `steps.…`, `configured.…` and what the rule's word left: see `Run.facts`.
    package init(
        event: Event,
        steps: JSONObject,
        configured: Configured = Configured(),
        facts: JSON? = nil,
        now: Date
    ) {
        var subject: JSONObject = [
            "event": event.fields, "steps": .object(steps), "configured": .object(configured.json),
        ]
        for member in facts?.object?.members ?? [] where RuleFact(rawValue: member.key) != nil {
            subject[member.key] = member.value
        }
        self.init(
            subject: .object(subject),
            eventName: event.name,
            origin: event.origin,
            account: event.account,
            now: now,
            package: event.package,
            signer: event.signer
        )
    }
}
