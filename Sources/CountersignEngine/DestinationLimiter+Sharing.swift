import CountersignCore
package import CountersignStore
package import Foundation
import Synchronization

/// What instances that share a store tell each other of destinations that are down.
extension DestinationLimiter {
    /// What came of the other instances' circuits.
    package struct Adoption: Sendable {
        /// Circuits that were closed here so far.
        package var opened: [OpenCircuit] = []

        /// Destinations that are back, since when they had been down, and how many runs that wait for them may go on.
        package var closed: [(destination: String, since: Date, resumable: Int)] = []
    }

    /// What the store does not know yet: circuits that have opened, and destinations whose circuit has closed.
    package var unshared: (openings: [OpenCircuit], closings: [String]) {
        states.withLock { destinations in
            let openings = destinations.compactMap { destination, state -> OpenCircuit? in
                guard case .open(let until, _) = state.breaker.state, !state.isLocal, state.sharedUntil != until else {
                    return nil
                }
                return OpenCircuit(
                    destination: destination,
                    until: until,
                    since: state.downSince ?? until,
                    openings: state.failedProbes + 1
                )
            }
            let closings = destinations.filter { !$0.value.breaker.isOpen && $0.value.sharedUntil != nil }.map(\.key)
            return (openings.sorted { $0.destination < $1.destination }, closings.sorted())
        }
    }

    /// The circuits that the store knows, with the times until which it has them open.
    package var shared: [String: Date] { states.withLock { $0.compactMapValues(\.sharedUntil) } }

    /// The store knows of a circuit.
    package func didShare(_ circuit: OpenCircuit) {
        states.withLock { $0[circuit.destination]?.sharedUntil = circuit.until }
    }

    /// The store knows that a destination is back.
    package func didClose(_ destination: String) {
        states.withLock { destinations in
            destinations[destination]?.sharedUntil = nil
            if destinations[destination]?.isForgettable == true { destinations[destination] = nil }
        }
    }

    /// Takes over what the other instances know.
    ///
    /// - Parameters:
    ///   - circuits: The circuits that the store has.
    ///   - known: What `shared` was before they were read: a circuit that is written meanwhile is not closed for its lack.
    /// - Returns: What has changed by it.
    package func adopt(_ circuits: [OpenCircuit], known: [String: Date]) -> Adoption {
        states.withLock { destinations in
            var adoption = Adoption()
            for circuit in circuits {
                var state = destinations[circuit.destination] ?? newState(of: circuit.destination)
                guard adopt(circuit, into: &state) else { continue }
                if destinations[circuit.destination]?.breaker.isOpen != true { adoption.opened.append(circuit) }
                destinations[circuit.destination] = state
            }
            let open = Set(circuits.map(\.destination))
            for (destination, until) in known where !open.contains(destination) {
                guard var state = destinations[destination], state.sharedUntil == until else { continue }
                state.sharedUntil = nil
                if case .open = state.breaker.state {
                    let resumable =
                        state.isAwaited && state.rate == nil ? max(0, capacity(of: destination) - state.active) : 0
                    adoption.closed.append((destination, state.downSince ?? until, resumable))
                    state.close()
                }
                destinations[destination] = state.isForgettable ? nil : state
            }
            return adoption
        }
    }

    /// Takes over one circuit; false where there is nothing new.
    private func adopt(_ circuit: OpenCircuit, into state: inout DestinationState) -> Bool {
        guard !state.isLocal else { return false }
        switch state.breaker.state {
        // It has closed here since, which the store is about to learn.
        case .closed where state.sharedUntil != nil: return false
        // Of what is still to be told, the later time counts; the clocks of two machines are never quite the same.
        case .open(let until, _) where state.sharedUntil != until && until >= circuit.until: return false
        case .open(let until, _) where abs(until.timeIntervalSince(circuit.until)) < 0.1: return false
        case .probing: return false
        case .closed, .open: break
        }
        state.breaker.open(until: circuit.until, openings: circuit.openings)
        state.downSince = circuit.since
        state.failedProbes = circuit.openings - 1
        state.hasCandidate = false
        state.sharedUntil = circuit.until
        return true
    }

    /// Gives the place of a probe back that another instance makes.
    ///
    /// - Returns: When to ask again.
    package func refuseProbe(of destination: String, until: Date) -> Permit {
        states.withLock { destinations in
            guard var state = destinations[destination] else { return .refused(Self.down(destination), until: until) }
            state.active -= 1
            state.isAwaited = true
            state.breaker.postponeProbe(until: until)
            let due = state.hasCandidate ? until.addingTimeInterval(Self.longestWait) : until
            state.hasCandidate = true
            state.sharedUntil = until
            destinations[destination] = state
            return .refused(Self.down(destination), until: due)
        }
    }

    /// Has so many runs go on that wait for a destination; where there are fewer, nobody waits for it any more.
    ///
    /// - Throws: `StoreError`.
    package func wake(_ count: Int, waitingFor destination: String, in store: any Ledger, at now: Date) async throws {
        guard count > 0 else { return }
        let woken = try await store.wake(waitingFor: destination, limit: count, at: now)
        if woken < count { wasEmptied(destination) }
    }
}
