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

    /// The time at which the event is evaluated.
    package let now: Date

    /// The package that the event is about: null where there is none, nil where nobody has asked yet.
    package let package: JSON?

    /// The signer whom the event's `sessionUser` names; nil where the package has no such one.
    package let signer: JSON?

    /// A context in which nobody has asked for the package yet, unless one is given.
    package init(
        subject: JSON,
        eventName: String,
        origin: Event.Origin,
        now: Date,
        package: JSON? = nil,
        signer: JSON? = nil
    ) {
        self.package = package
        self.signer = signer
        self.subject = subject
        self.eventName = eventName
        self.origin = origin
        self.now = now
    }

    /// A rule's `when` is evaluated by the event's payload.
    package init(event: Event, now: Date) {
        self.init(
            subject: event.payload,
            eventName: event.name,
            origin: event.origin,
            now: now,
            package: event.package,
            signer: event.signer
        )
    }

    /// A step's `if` is evaluated by `event.…`, `steps.…` and `configured.…`.
    package init(event: Event, steps: JSONObject, configured: Configured = Configured(), now: Date) {
        self.init(
            subject: [
                "event": event.payload, "steps": .object(steps), "configured": .object(configured.json),
            ],
            eventName: event.name,
            origin: event.origin,
            now: now,
            package: event.package,
            signer: event.signer
        )
    }
}
