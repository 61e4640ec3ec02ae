package import Foundation

/// A destination that is down: nothing goes there for a while, from any of those who share the store.
package struct OpenCircuit: Sendable, Equatable {
    /// The host, or what else steps talk to.
    package let destination: String

    /// Before this time nothing is tried; while one instance probes it, the others wait until then as well.
    package let until: Date

    /// When it opened first.
    package let since: Date

    /// How often it has opened in a row: once, and once more for each probe that failed.
    package let openings: Int

    /// A circuit that opened first at `since`, and for the last time until a time.
    package init(destination: String, until: Date, since: Date, openings: Int) {
        self.destination = destination
        self.until = until
        self.since = since
        self.openings = openings
    }
}

/// Whether one step may find out whether a destination is back.
package enum ProbePermit: Sendable, Equatable {
    case granted
    /// Not yet, or another instance does.
    case refused(until: Date)
}

/// What keeps the circuits that are open for all who share the store; empty in good times.
///
/// Each call is one transaction.
package protocol CircuitStore: Sendable {
    /// The circuits that are open, by destination.
    ///
    /// - Throws: `StoreError`.
    func openCircuits() async throws -> [OpenCircuit]

    /// Keeps a circuit as open; of several for one destination the one that is open longest.
    ///
    /// One that nobody has tried for a day is forgotten.
    ///
    /// - Throws: `StoreError`.
    func open(_ circuit: OpenCircuit, at now: Date) async throws

    /// Has all send to a destination again.
    ///
    /// - Throws: `StoreError`.
    func close(circuitOf destination: String) async throws

    /// Takes the probe of a destination for `duration`, so that one at a time is made; where its circuit is not open, there is
    /// nothing to take, and a step may go on.
    ///
    /// - Throws: `StoreError`.
    func takeProbe(of destination: String, for duration: Duration, at now: Date) async throws -> ProbePermit
}

extension OpenCircuit {
    /// How long one is kept that nobody tries, in seconds.
    package static let memory: TimeInterval = 86_400
}
