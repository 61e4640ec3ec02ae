package import CountersignModel

/// Events for which no runs were made yet, the oldest first.
package struct WaitingEvents: Sendable {
    /// An event that cannot be read.
    package struct Damage: Sendable {
        package let id: Event.ID
        package let reason: String
    }

    package internal(set) var events: [Event] = []

    /// Those that cannot be read: they are in quarantine by now, so that the others go on.
    package internal(set) var damages: [Damage] = []
}
