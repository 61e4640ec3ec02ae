package import CountersignModel
package import CountersignStore
package import Foundation
package import Logging
import Metrics
import ServiceLifecycle

/// Polls again and again, from the last poll that finished on, however often the program starts.
package struct PollingService: Service {
    /// How long it waits at most after a poll that failed.
    private static let longestPause: TimeInterval = 300

    private let poller: Poller
    private let archive: any Archive
    private let interval: TimeInterval
    private let clock: any WallClock
    private let logger: Logger

    /// Has `poller` poll every `interval` seconds.
    package init(
        poller: Poller,
        archive: any Archive,
        interval: TimeInterval,
        clock: any WallClock,
        logger: Logger
    ) {
        self.poller = poller
        self.archive = archive
        self.interval = interval
        self.clock = clock
        self.logger = logger
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            var failures = 0
            while !Task.isCancelled {
                do {
                    let last = try await archive.pollState()?.finishedAt
                    if failures == 0 {
                        try await clock.sleep(until: last.map { $0.addingTimeInterval(interval) } ?? clock.now)
                    }
                    let report = try await poller.poll()
                    failures = 0
                    count("finished")
                    logger.info(
                        "Poll finished",
                        metadata: ["packages": "\(report.packages)", "recovered": "\(report.recoveries.count)"]
                    )
                } catch {
                    if Task.isCancelled { return }
                    failures += 1
                    count("failed")
                    let pause = min(interval, Self.longestPause)
                    logger.error(
                        "Poll failed, trying again",
                        metadata: ["error": "\(error)", "wait": "\(Int(pause))s"]
                    )
                    try? await clock.sleep(until: clock.now.addingTimeInterval(pause))
                }
            }
        }
    }

    private func count(_ result: String) {
        Counter(label: MetricCatalogue.polls.name, dimensions: [("result", result)]).increment()
    }
}
