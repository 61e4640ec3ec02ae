package import CountersignCore
package import CountersignStore
import Foundation
package import Logging
import ServiceLifecycle

/// How long things are kept.
package struct Retention: Sendable {
    /// Events and their runs; as long as an event is kept, its callback is known when it comes again.
    package var events: Duration

    /// What the steps of ended runs did.
    package var runs: Duration

    /// Bodies that were no events.
    package var quarantine: Duration

    /// How long each kind is kept: from its receipt, and what steps did from the end of their run.
    package init(events: Duration, runs: Duration, quarantine: Duration) {
        self.events = events
        self.runs = runs
        self.quarantine = quarantine
    }

    fileprivate func duration(of kind: PrunableKind) -> Duration {
        switch kind {
        case .events: events
        case .steps: runs
        case .quarantine: quarantine
        }
    }
}

/// Removes what was kept long enough, at the start and every hour, in slices between which events arrive.
package struct Housekeeper: Service {
    private static let pause: TimeInterval = 3_600
    private static let slice = 200

    private let store: any Prunable
    private let retention: Retention
    private let clock: any WallClock
    private let logger: Logger

    /// A housekeeper that removes from `store` what is older than `retention` by `clock`.
    package init(store: any Prunable, retention: Retention, clock: any WallClock, logger: Logger) {
        self.store = store
        self.retention = retention
        self.clock = clock
        self.logger = logger
    }

    /// Removes at once, then every hour until the service shuts down; what fails is logged and tried again then.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await tidy()
                try? await clock.sleep(until: clock.now.addingTimeInterval(Self.pause))
            }
        }
    }

    /// Removes everything that was kept long enough.
    package func tidy() async {
        for kind in PrunableKind.allCases { await tidy(kind.rawValue) { try await prune(kind) } }
        await tidy("rule sets") { try await store.pruneRuleSets() }
    }

    private func tidy(_ kind: String, _ prune: () async throws -> Int) async {
        do {
            let removed = try await prune()
            if removed > 0 {
                logger.info("Old records removed", metadata: ["kind": "\(kind)", "count": "\(removed)"])
            }
        } catch {
            logger.error("Old records cannot be removed", metadata: ["kind": "\(kind)", "error": "\(error)"])
        }
    }

    private func prune(_ kind: PrunableKind) async throws -> Int {
        let cutoff = clock.now.addingTimeInterval(-retention.duration(of: kind).timeInterval)
        var removed = 0
        var position: Int64? = 0
        while let start = position, !Task.isCancelled {
            let slice = try await store.prune(kind, before: cutoff, after: start, limit: Self.slice)
            removed += slice.removed
            position = slice.next
        }
        return removed
    }
}
