package import CountersignCore
package import CountersignStore
package import Foundation
package import Logging
import ServiceLifecycle

/// Raises `X_QUEUE_STUCK` where runs wait behind one that does not end, and `X_QUEUE_RECOVERED` afterwards.
package struct QueueWatch: Service {
    /// How often it looks, in seconds.
    package static let interval: TimeInterval = 60

    /// How long a run may hold its key while others wait, in seconds.
    private static let longestHold: TimeInterval = 3_600

    /// How many runs may wait in a queue.
    private static let mostWaiting = 10_000

    /// How many queues are looked at, those that wait longest coming first.
    private static let limit = 1_000

    private let store: any RuleStateStore & KeyValueStore & Archive
    private let reporter: IncidentReporter
    private let clock: any WallClock
    private let logger: Logger

    /// A watch over the queues of `store`.
    package init(store: any Store & RuleStateStore, clock: any WallClock, logger: Logger) {
        self.store = store
        reporter = IncidentReporter(store: store, clock: clock)
        self.clock = clock
        self.logger = logger
    }

    /// Looks once a minute until the service shuts down; what cannot be read is read the next time.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    try await look()
                } catch {
                    logger.debug("Queues cannot be looked at, retrying", metadata: ["error": "\(error)"])
                }
                try? await clock.sleep(until: clock.now.addingTimeInterval(Self.interval))
            }
        }
    }

    /// Looks at the queues in which runs wait, and tells of those that are stuck and those that are no longer.
    ///
    /// - Throws: `StoreError`.
    package func look() async throws {
        let now = clock.now
        let queues = try await store.queues(limit: Self.limit)
        let stuck = queues.compactMap { queue in Self.reason(queue, at: now).map { (queue, $0) } }
        for (queue, reason) in stuck {
            let fields: JSONObject = [
                "queue": .string(queue.queue), "run": queue.holders.first.map { JSON($0.rawValue) } ?? .null,
                "heldSince": queue.heldSince.map { .string($0.rfc3339) } ?? .null, "waiting": JSON(queue.waiting),
                "reason": .string(reason),
            ]
            try await reporter.begin(.queueStuck, of: queue.queue, fields)
        }
        let names = Set(stuck.map(\.0.queue))
        let known = (try await store.value(forKey: Self.knownKey)?.array ?? []).compactMap(\.string)
        for queue in known where !names.contains(queue) {
            try await reporter.end(.queueStuck, of: queue, reporting: .queueRecovered, ["queue": .string(queue)])
        }
        guard Set(known) != names else { return }
        try await store.set(.array(names.sorted().map { .string($0) }), forKey: Self.knownKey)
    }

    /// Where the names of the queues are kept whose incidents are open.
    private static let knownKey = "stuck queues"

    /// Why a queue is stuck, in one word; nil where it is not.
    package static func reason(_ queue: QueueSummary, at now: Date) -> String? {
        guard queue.waiting > 0 else { return nil }
        if queue.isHeldByFailure { return "failed" }
        if let since = queue.heldSince, now.timeIntervalSince(since) >= longestHold { return "held" }
        return queue.waiting >= mostWaiting ? "long" : nil
    }
}
