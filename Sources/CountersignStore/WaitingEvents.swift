package import CountersignCore

/// Events for which no runs were made yet, the oldest first.
package struct WaitingEvents: Sendable {
    /// An event that cannot be read.
    package struct Damage: Sendable {
        /// The number of the event.
        package let id: Event.ID

        /// What of it cannot be read, as an error message.
        package let reason: String

        /// The event of this number, which cannot be read because of `reason`.
        package init(id: Event.ID, reason: String) {
            self.id = id
            self.reason = reason
        }
    }

    /// How many bytes of bodies are read at a time, so that memory stays bounded where bodies are large; one event at least.
    package static let mostBytes = 4 << 20

    /// Those that can be read, the oldest first.
    package var events: [Event] = []

    /// Those that cannot be read: they are in quarantine by now, so that the others go on.
    package var damages: [Damage] = []

    /// None so far.
    package init() {}
}
