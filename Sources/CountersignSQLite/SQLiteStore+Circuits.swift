import CountersignCore
package import CountersignStore
package import Foundation
import GRDB

extension SQLiteStore {
    /// The circuits that are open, by destination.
    package func openCircuits() async throws -> [OpenCircuit] {
        try await writer.write { db in
            try db.all(
                """
                SELECT destination, max(open_until, coalesce(probe_until, open_until)), opened_at, openings
                FROM destinations ORDER BY destination
                """,
                []
            ) { row in
                OpenCircuit(
                    destination: row.text(at: 0) ?? "",
                    until: Date(milliseconds: row.number(at: 1) ?? 0),
                    since: Date(milliseconds: row.number(at: 2) ?? 0),
                    openings: Int(row.number(at: 3) ?? 1)
                )
            }
        }
    }

    /// Keeps a circuit as open; of several for one destination the one that is open longest.
    package func open(_ circuit: OpenCircuit, at now: Date) async throws {
        try await writer.write { db in
            try db.change(
                "DELETE FROM destinations WHERE max(open_until, coalesce(probe_until, open_until)) < ?",
                [now.addingTimeInterval(-OpenCircuit.memory).milliseconds]
            )
            try db.change(
                """
                INSERT INTO destinations (destination, open_until, opened_at, openings) VALUES (?, ?, ?, ?)
                ON CONFLICT (destination) DO UPDATE SET open_until = excluded.open_until,
                    openings = max(openings, excluded.openings), probe_until = NULL
                WHERE excluded.open_until > open_until
                """,
                [circuit.destination, circuit.until.milliseconds, circuit.since.milliseconds, circuit.openings]
            )
        }
    }

    /// Has all send to a destination again.
    package func close(circuitOf destination: String) async throws {
        try await writer.write { db in
            _ = try db.change("DELETE FROM destinations WHERE destination = ?", [destination])
        }
    }

    /// Takes the probe of a destination, so that one at a time is made.
    package func takeProbe(of destination: String, for duration: Duration, at now: Date) async throws -> ProbePermit {
        try await writer.write { db in
            let until = try db.first(
                "SELECT max(open_until, coalesce(probe_until, open_until)) FROM destinations WHERE destination = ?",
                [destination]
            ) { $0.number(at: 0) ?? 0 }
            guard let until else { return .granted }
            guard until <= now.milliseconds else { return .refused(until: Date(milliseconds: until)) }
            try db.change(
                "UPDATE destinations SET probe_until = ? WHERE destination = ?",
                [now.addingTimeInterval(duration.timeInterval).milliseconds, destination]
            )
            return .granted
        }
    }
}
