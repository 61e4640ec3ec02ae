package import CountersignCore
import CountersignStore
import Foundation
package import Logging
import ServiceLifecycle
import Synchronization

/// Compares what OneSpan Sign is registered to send with what the rules need, at the start and whenever rules change.
///
/// A rule for an event that is never sent waits in silence; so what is missing is logged once, and shown on the overview.
package final class RegistrationWatch: Service {
    /// How long it waits before it looks again, so that a registration that was corrected is seen.
    private static let interval: TimeInterval = 600

    private struct State {
        var missing: [String] = []
        var problem: String?
    }

    private let state = Mutex(State())
    private let signal = AsyncSignal()
    private let wanted: @Sendable () -> Set<String>
    private let registered: @Sendable () async throws -> Set<String>
    private let clock: any WallClock
    private let logger: Logger

    /// - Parameters:
    ///   - wanted: The events that the active rules need.
    ///   - registered: The events that the vendor sends, asked of it.
    ///   - clock: When it is time to look again.
    ///   - logger: Where a difference is reported.
    package init(
        wanted: @escaping @Sendable () -> Set<String>,
        registered: @escaping @Sendable () async throws -> Set<String>,
        clock: any WallClock,
        logger: Logger
    ) {
        self.wanted = wanted
        self.registered = registered
        self.clock = clock
        self.logger = logger
    }

    /// The events that rules need and OneSpan Sign does not send, as the last look showed.
    package var missing: [String] { state.withLock { $0.missing } }

    /// Has it look at once, since the rules have changed.
    package func look() { signal.notify() }

    /// Compares at the start, after each `look()` and every ten minutes, until a graceful shutdown.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await self.compare()
                await self.signal.wait(until: self.clock.now.addingTimeInterval(Self.interval), on: self.clock)
            }
        }
    }

    private func compare() async {
        do {
            let missing = wanted().subtracting(try await registered()).sorted()
            let isNew = state.withLock { state in
                defer { state = State(missing: missing) }
                return state.missing != missing
            }
            guard isNew else { return }
            if missing.isEmpty { return logger.info("All events that the rules need are registered with OneSpan Sign") }
            logger.warning(
                "Events that the rules need are not registered with OneSpan Sign; run: countersign register",
                metadata: ["events": "\(missing.joined(separator: " "))"]
            )
        } catch {
            let problem = "\(error)"
            let isNew = state.withLock { state in
                defer { state.problem = problem }
                return state.problem != problem
            }
            guard isNew, !Task.isCancelled else { return }
            logger.warning("The registration with OneSpan Sign cannot be read", metadata: ["error": "\(problem)"])
        }
    }
}
