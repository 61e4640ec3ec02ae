package import CountersignCore
package import CountersignStore
import Foundation
package import Logging
import ServiceLifecycle

/// Divides the rates of destinations among the instances that share a store, by the number of those that are up.
///
/// While the store cannot be reached, the last number counts.
package struct RateSharing: Service {
    private static let pause: TimeInterval = 5

    private let limiter: DestinationLimiter
    private let instances: @Sendable () async throws -> [InstanceRecord]
    private let clock: any WallClock
    private let logger: Logger

    /// Shares the rates of `limiter` among those of `instances` that are up.
    package init(
        limiter: DestinationLimiter,
        instances: @escaping @Sendable () async throws -> [InstanceRecord],
        clock: any WallClock,
        logger: Logger
    ) {
        self.limiter = limiter
        self.instances = instances
        self.clock = clock
        self.logger = logger
    }

    /// Counts the instances every five seconds until the service shuts down.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    try await count()
                } catch {
                    logger.debug("Instances cannot be counted, retrying", metadata: ["error": "\(error)"])
                }
                try? await clock.sleep(until: clock.now.addingTimeInterval(Self.pause))
            }
        }
    }

    /// Counts the instances that are up, and shares the rates among them.
    ///
    /// - Throws: `StoreError`.
    package func count() async throws {
        let now = clock.now
        limiter.share(among: try await instances().count { $0.isUp(at: now) })
    }
}
