package import CountersignCore
package import CountersignStore
import Foundation
package import Logging
import ServiceLifecycle

/// Notices that the clock was set back, and makes what waits due as much earlier.
///
/// Due times are times of day. With the clock an hour back, a retry that was to arrive a second would arrive an hour.
package struct ClockWatch: Service {
    /// A moment by both clocks.
    package struct Mark: Sendable {
        let wall: Date
        let uptime: ContinuousClock.Instant
    }

    private static let pause: TimeInterval = 10

    /// Time servers move a clock by less than this at a time.
    private static let tolerance: TimeInterval = 2

    private let store: any Ledger
    private let clock: any WallClock
    private let uptime: @Sendable () -> ContinuousClock.Instant
    private let logger: Logger

    /// A watch over `clock`; `uptime` is the clock that nobody sets.
    package init(
        store: any Ledger,
        clock: any WallClock,
        uptime: @escaping @Sendable () -> ContinuousClock.Instant,
        logger: Logger
    ) {
        self.store = store
        self.clock = clock
        self.uptime = uptime
        self.logger = logger
    }

    /// Compares the clocks every 10 seconds until the service shuts down.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            var mark = self.mark
            while !Task.isCancelled {
                try? await clock.sleep(until: clock.now.addingTimeInterval(Self.pause))
                if Task.isCancelled { return }
                mark = await look(since: mark)
            }
        }
    }

    /// The moment at hand.
    package var mark: Mark { Mark(wall: clock.now, uptime: uptime()) }

    /// Compares the clocks, and gives the moment from which to compare the next time.
    package func look(since last: Mark) async -> Mark {
        let now = mark
        let lag = (now.uptime - last.uptime).timeInterval - now.wall.timeIntervalSince(last.wall)
        guard lag > Self.tolerance else { return now }
        do {
            let count = try await store.bringForward(by: lag, at: now.wall)
            logger.warning(
                "Clock was set back, due times are moved accordingly",
                metadata: ["seconds": "\(Int(lag))", "runs": "\(count)"]
            )
            return now
        } catch {
            logger.error("Due times cannot be moved with the clock, retrying", metadata: ["error": "\(error)"])
            return last
        }
    }
}
