import CountersignStore
import Foundation
import Testing

extension StoreContract {
    static func circuit(_ destination: String, _ until: Double, openings: Int = 1, since: Double = 0) -> OpenCircuit {
        OpenCircuit(destination: destination, until: after(until), since: after(since), openings: openings)
    }

    /// Promises about circuits that are open for all who share the store.
    static let circuits = [
        Clause("a circuit is open for all from its opening until somebody closes it") { store async throws in
            #expect(try await store.openCircuits().isEmpty)
            try await store.open(circuit("erp:443", 10), at: start)
            try await store.open(circuit("crm:443", 20), at: after(1))
            #expect(try await store.openCircuits() == [circuit("crm:443", 20), circuit("erp:443", 10)])
            try await store.close(circuitOf: "erp:443")
            #expect(try await store.openCircuits() == [circuit("crm:443", 20)])
        },
        Clause("of several openings the one that lasts longest counts, and the first one says since when") {
            store async throws in
            try await store.open(circuit("erp:443", 10), at: start)
            try await store.open(circuit("erp:443", 30, openings: 2, since: 9), at: after(10))
            try await store.open(circuit("erp:443", 20, since: 11), at: after(11))
            #expect(try await store.openCircuits() == [circuit("erp:443", 30, openings: 2)])
        },
        Clause("one probe at a time is made, when the time of the circuit is over") { store async throws in
            try await store.open(circuit("erp:443", 10), at: start)
            let minute = Duration.seconds(60)
            let early = try await store.takeProbe(of: "erp:443", for: minute, at: after(9))
            #expect(early == .refused(until: after(10)))
            #expect(try await store.takeProbe(of: "erp:443", for: minute, at: after(10)) == .granted)
            let second = try await store.takeProbe(of: "erp:443", for: minute, at: after(11))
            #expect(second == .refused(until: after(70)))
            #expect(try await store.openCircuits() == [circuit("erp:443", 70)])
            // The first one failed, so the circuit opens once more.
            try await store.open(circuit("erp:443", 30, openings: 2), at: after(12))
            #expect(try await store.openCircuits() == [circuit("erp:443", 30, openings: 2)])
            #expect(try await store.takeProbe(of: "erp:443", for: minute, at: after(30)) == .granted)
            // Whoever took it is gone.
            #expect(try await store.takeProbe(of: "erp:443", for: minute, at: after(90)) == .granted)
        },
        Clause("where no circuit is open, a step may go on") { store async throws in
            #expect(try await store.takeProbe(of: "erp:443", for: .seconds(60), at: start) == .granted)
            #expect(try await store.openCircuits().isEmpty)
        },
        Clause("a circuit that nobody has tried for a day is forgotten when another one opens") { store async throws in
            try await store.open(circuit("erp:443", 10), at: start)
            try await store.open(circuit("crm:443", 90_000), at: after(86_411))
            #expect(try await store.openCircuits().map(\.destination) == ["crm:443"])
        },
    ]
}
