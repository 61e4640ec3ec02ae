import CountersignCore
package import Foundation

/// A circuit as a store in memory holds it.
struct MemoryCircuit {
    var circuit: OpenCircuit
    var probeUntil: Date?

    /// Until when nobody else tries.
    var until: Date { max(circuit.until, probeUntil ?? circuit.until) }
}

extension MemoryStore {
    /// The circuits that are open, by destination.
    package func openCircuits() async throws -> [OpenCircuit] {
        read { contents in
            contents.circuits.values
                .map { row in
                    OpenCircuit(
                        destination: row.circuit.destination,
                        until: row.until,
                        since: row.circuit.since,
                        openings: row.circuit.openings
                    )
                }
                .sorted { $0.destination < $1.destination }
        }
    }

    /// Keeps a circuit as open; of several for one destination the one that is open longest.
    package func open(_ circuit: OpenCircuit, at now: Date) async throws {
        try write { contents in
            let oldest = now.addingTimeInterval(-OpenCircuit.memory)
            contents.circuits = contents.circuits.filter { $0.value.until >= oldest }
            let known = contents.circuits[circuit.destination]?.circuit
            guard known.map({ $0.until < circuit.until }) ?? true else { return }
            contents.circuits[circuit.destination] = MemoryCircuit(
                circuit: OpenCircuit(
                    destination: circuit.destination,
                    until: circuit.until,
                    since: known?.since ?? circuit.since,
                    openings: max(known?.openings ?? 1, circuit.openings)
                )
            )
        }
    }

    /// Has all send to a destination again.
    package func close(circuitOf destination: String) async throws {
        try write { $0.circuits[destination] = nil }
    }

    /// Takes the probe of a destination, so that one at a time is made.
    package func takeProbe(of destination: String, for duration: Duration, at now: Date) async throws -> ProbePermit {
        try write { contents in
            guard let row = contents.circuits[destination] else { return .granted }
            guard row.until <= now else { return .refused(until: row.until) }
            contents.circuits[destination]?.probeUntil = now.addingTimeInterval(duration.timeInterval)
            return .granted
        }
    }
}
