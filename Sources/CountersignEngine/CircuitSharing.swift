package import CountersignCore
package import CountersignStore
import Foundation
package import Logging
import ServiceLifecycle

/// Tells the other instances which destinations are down, and learns it from them, about once a second.
///
/// While the store cannot be reached, each instance goes by what it has seen itself.
package struct CircuitSharing: Service {
    private static let pause: TimeInterval = 1

    private let store: any CircuitStore & Ledger
    private let limiter: DestinationLimiter
    private let clock: any WallClock
    private let logger: Logger

    /// Shares what `limiter` knows over `store`.
    package init(
        store: any CircuitStore & Ledger,
        limiter: DestinationLimiter,
        clock: any WallClock,
        logger: Logger
    ) {
        self.store = store
        self.limiter = limiter
        self.clock = clock
        self.logger = logger
    }

    /// Shares at once what changes here, and looks for what has changed elsewhere, until the service shuts down.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            var isFailing = false
            while !Task.isCancelled {
                do {
                    try await share()
                    isFailing = false
                } catch {
                    if !isFailing, !Task.isCancelled {
                        logger.warning(
                            "Open circuits cannot be shared with the other instances, retrying",
                            metadata: ["error": "\(error)"]
                        )
                    }
                    isFailing = true
                }
                await limiter.circuitChanges.wait(until: clock.now.addingTimeInterval(Self.pause), on: clock)
            }
        }
    }

    /// Writes what has changed here, then reads what is open.
    ///
    /// - Throws: `StoreError`.
    package func share() async throws {
        let (openings, closings) = limiter.unshared
        for circuit in openings {
            try await store.open(circuit, at: clock.now)
            limiter.didShare(circuit)
        }
        for destination in closings {
            try await store.close(circuitOf: destination)
            limiter.didClose(destination)
        }
        let known = limiter.shared
        let found = limiter.adopt(try await store.openCircuits(), known: known)
        for circuit in found.opened {
            logger.warning(
                "Destination circuit opened by another instance",
                metadata: ["destination": "\(circuit.destination)", "until": "\(circuit.until.rfc3339)"]
            )
        }
        for closing in found.closed {
            logger.info(
                "Destination circuit closed by another instance",
                metadata: ["destination": "\(closing.destination)", "since": "\(closing.since.rfc3339)"]
            )
            try await limiter.wake(closing.resumable, waitingFor: closing.destination, in: store, at: clock.now)
        }
    }
}
