import CountersignCore
package import Foundation

/// The health of the running server.
package struct Vitals: Sendable {
    /// The version of the program.
    package var version: String

    /// When the server started.
    package var startedAt: Date

    /// Whether a failed sync has ended all writing.
    package var refusesWrites: Bool

    /// How long callbacks took to be on disk.
    package var acknowledgements: Latency

    /// Destinations whose circuit is open, and until when.
    package var openCircuits: [String: Date]

    /// Events that rules need and OneSpan Sign is not registered to send.
    package var unregisteredEvents: [String]

    /// When the last poll finished, and how many events all polls have recovered; nil where there was none.
    package var poll: (finishedAt: Date, recovered: Int)?

    /// The health of a server; `openCircuits` is by destination, and `poll` nil where no poll has finished.
    package init(
        version: String,
        startedAt: Date,
        refusesWrites: Bool,
        acknowledgements: Latency,
        openCircuits: [String: Date],
        unregisteredEvents: [String] = [],
        poll: (finishedAt: Date, recovered: Int)?
    ) {
        self.version = version
        self.startedAt = startedAt
        self.refusesWrites = refusesWrites
        self.acknowledgements = acknowledgements
        self.openCircuits = openCircuits
        self.unregisteredEvents = unregisteredEvents
        self.poll = poll
    }
}
