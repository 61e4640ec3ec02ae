package import CountersignCore
package import CountersignStore
package import Foundation
package import Logging
import Metrics
import ServiceLifecycle

/// Polls again and again, from the last poll that finished on, however often the program starts.
package struct PollingService: Service {
    /// How many polls in a row have to fail before it is reported; the vendor may be away for a moment.
    private static let tolerated = 3

    /// How long it waits at most after a poll that failed.
    private static let longestPause: TimeInterval = 300

    private let poller: Poller
    private let account: String
    private let archive: any Archive
    private let reporter: IncidentReporter
    private let interval: TimeInterval
    private let clock: any WallClock
    private let logger: Logger

    /// Has `poller` poll an account every `interval` seconds; the only one has no name.
    package init(
        poller: Poller,
        account: String = "",
        archive: any Archive,
        reporter: IncidentReporter,
        interval: TimeInterval,
        clock: any WallClock,
        logger: Logger
    ) {
        self.poller = poller
        self.account = account
        self.archive = archive
        self.reporter = reporter
        self.interval = interval
        self.clock = clock
        self.logger = logger
    }

    /// Polls at each interval until a graceful shutdown; a poll that fails is repeated after at most five minutes.
    ///
    /// Whoever of those who share the store comes first polls; the others see what it came to.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            var failures = Failures()
            var other: SingletonHold?
            while !Task.isCancelled {
                do {
                    let last = try await archive.pollState(of: account)?.finishedAt
                    try await clock.sleep(until: last.map { $0.addingTimeInterval(interval) } ?? clock.now)
                    // Another instance may have polled meanwhile.
                    guard try await archive.pollState(of: account)?.finishedAt == last else { continue }
                    let report = try await poller.poll()
                    (failures, other) = (Failures(), nil)
                    count("finished")
                    logger.info(
                        "Poll finished",
                        metadata: [
                            "packages": "\(report.packages)", "recovered": "\(report.recoveries.count)",
                            "term": "\(report.term)",
                        ]
                    )
                    await tell(of: report)
                } catch SingletonError.held(_, let hold) {
                    if other?.term != hold.term { report(hold) }
                    (failures, other) = (Failures(), hold)
                    try? await clock.sleep(until: clock.now.addingTimeInterval(SingletonLock.pause.timeInterval))
                } catch {
                    if Task.isCancelled { return }
                    failures.add(at: clock.now)
                    await tell(of: failures, error)
                }
            }
        }
    }

    private func report(_ hold: SingletonHold) {
        logger.info(
            "Another instance is polling",
            metadata: ["holder": "\(hold.holder)", "term": "\(hold.term)"]
        )
    }

    /// Reports a poll that failed, and waits before the next one.
    private func tell(of failures: Failures, _ error: any Error) async {
        count("failed")
        let pause = min(interval, Self.longestPause)
        logger.error("Poll failed, retrying", metadata: ["error": "\(error)", "wait": "\(Int(pause))s"])
        await tell(of: failures, reason: "\(error)")
        try? await clock.sleep(until: clock.now.addingTimeInterval(pause))
    }

    /// Polls that failed in a row.
    private struct Failures {
        private(set) var count = 0
        private(set) var since = Date.distantPast

        mutating func add(at now: Date) {
            if count == 0 { since = now }
            count += 1
        }
    }

    private func tell(of report: PollReport) async {
        var all: JSONObject = ["recovered": JSON(report.recoveries.count)]
        if !account.isEmpty { all["account"] = .string(account) }
        let fields = all
        await telling { try await reporter.end(.pollFailed, of: subject, reporting: .pollRecovered, fields) }
    }

    private func tell(of failures: Failures, reason: String) async {
        guard failures.count >= Self.tolerated else { return }
        await telling {
            let last = try await archive.pollState(of: account)?.finishedAt
            var fields: JSONObject = [
                "since": .string(failures.since.rfc3339), "failures": JSON(failures.count),
                "reason": .string(SystemEvent.excerpt(reason)), "lastFinished": JSON(last?.rfc3339),
            ]
            if !account.isEmpty { fields["account"] = .string(account) }
            try await reporter.begin(.pollFailed, of: subject, fields)
        }
    }

    private var subject: String { account.isEmpty ? "account" : "account \(account)" }

    private func telling(_ work: () async throws -> Void) async {
        do {
            try await work()
        } catch {
            logger.error("The poll state cannot be stored, retrying", metadata: ["error": "\(error)"])
        }
    }

    private func count(_ result: String) {
        Counter(
            label: MetricCatalogue.polls.name,
            dimensions: MetricDeclaration.labels([("result", result)], of: account)
        )
        .increment()
    }
}
