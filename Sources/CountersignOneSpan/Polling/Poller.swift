import CountersignCore
import CountersignOutbound
package import CountersignStore
package import Foundation
package import Logging

/// Asks the vendor which packages have changed, and makes events of what no callback told.
package final class Poller: Sendable {
    /// The list of drafts also holds expired and declined packages; each one's own `status` counts.
    private static let statuses = ["SENT", "COMPLETED", "ARCHIVED", "DECLINED", "OPTED_OUT", "EXPIRED", "DRAFT"]

    private let client: OneSpanClient
    private let store: any Inbox & Archive & KeyValueStore
    private let account: String
    private let overlap: TimeInterval
    private let logger: Logger
    private let mutex = AsyncMutex()

    /// What keeps other instances from polling at the same time.
    private let lock: SingletonLock

    /// - Parameters:
    ///   - client: The way to the vendor.
    ///   - store: Where events are looked up and stored.
    ///   - account: The name of the account whose packages it asks for; empty for the only one.
    ///   - holder: The name under which others learn who polls.
    ///   - overlap: How much further back than the last poll it looks, in seconds.
    ///   - logger: Where recovered events are reported.
    package init(
        client: OneSpanClient,
        store: any Inbox & Archive & KeyValueStore & SingletonStore,
        account: String = "",
        as holder: String,
        overlap: TimeInterval,
        logger: Logger
    ) {
        self.client = client
        self.store = store
        lock = SingletonLock(.poll(of: account), as: holder, in: store, clock: client.clock)
        self.account = account
        self.overlap = overlap
        self.logger = logger
    }

    /// Looks at each package that was updated since the last poll that finished, or since `start`.
    ///
    /// One at a time polls of those who share the store. Only a poll that finishes moves the mark from which the next one goes on; what a poll that dies has stored is
    /// recognized by the next one.
    ///
    /// - Parameters:
    ///   - start: The earliest time; nil for where the last poll went on from.
    ///   - isDryRun: Whether it only looks.
    /// - Throws: `APIFailure`, `StoreError`, `SingletonError` where another polls.
    /// - Returns: What was found.
    package func poll(since start: Date? = nil, isDryRun: Bool = false) async throws -> PollReport {
        guard await mutex.enter() else { throw CancellationError() }
        defer { mutex.leave() }
        let term = try await lock.take()
        do {
            let report = try await poll(since: start, isDryRun: isDryRun, term: term)
            await giveUp()
            return report
        } catch {
            await giveUp()
            throw error
        }
    }

    private func giveUp() async {
        do {
            try await lock.giveUp()
        } catch {
            logger.warning("The next poll has to wait up to a minute", metadata: ["error": "\(error)"])
        }
    }

    private func poll(since start: Date?, isDryRun: Bool, term: Int) async throws -> PollReport {
        let now = client.clock.now
        let known = try await store.pollState(of: account)
        let next = (known?.watermark ?? known?.began ?? now).addingTimeInterval(-overlap)
        let since = start ?? next
        var state = known ?? PollState(began: since)
        state.began = min(state.began, since)
        if !isDryRun, known != state { try await store.keep(state, of: account) }
        let walk = Walk(poller: self, began: state.began, isDryRun: isDryRun)
        for status in Self.statuses {
            try await client.packages(status, since: since, until: now) { try await walk.look(at: $0) }
        }
        if !isDryRun {
            state.recovered += walk.recoveries.count
            // A poll that leaves a gap behind the last one is no reason not to look there again.
            if since <= next || known?.watermark == nil { state.watermark = now }
            state.finishedAt = client.clock.now
            FailPoint.beforeWatermark.reach()
            try await lock.keep()
            try await store.keep(state, of: account)
        }
        return PollReport(since: since, packages: walk.seen.count, recoveries: walk.recoveries, term: term)
    }

    /// One poll under way.
    private final class Walk {
        private let poller: Poller
        private let began: Date
        private let isDryRun: Bool
        private(set) var seen: Set<String> = []
        private(set) var recoveries: [PollReport.Recovery] = []
        private var told: Set<[UInt8]> = []

        init(poller: Poller, began: Date, isDryRun: Bool) {
            self.poller = poller
            self.began = began
            self.isDryRun = isDryRun
        }

        func look(at packages: [JSON]) async throws {
            for package in packages {
                guard let id = package["id"]?.string else { continue }
                try await poller.lock.keep()
                seen.insert(id)
                for state in PackageState.all(of: package, since: began) {
                    try await recover(state.delivery(of: id).with(account: poller.account), id)
                }
            }
        }

        private func recover(_ delivery: Delivery, _ package: String) async throws {
            let query = EventQuery(name: delivery.name, packageID: delivery.packageKey, limit: 1)
            guard try await poller.store.events(query).isEmpty else { return }
            var event: Event.ID?
            if isDryRun {
                guard told.insert(delivery.stateKey ?? []).inserted else { return }
            } else {
                let receipt = try await poller.store.append(delivery, at: poller.client.clock.now)
                guard case .stored(let id) = receipt else { return }
                FailPoint.afterRecovery.reach()
                event = id
                poller.logger.warning(
                    "Event without a callback recovered",
                    metadata: [
                        "event.id": "\(id)", "event.name": "\(delivery.name)", "package.id": "\(package)",
                    ]
                )
            }
            recoveries.append(.init(name: delivery.name, packageID: package, event: event))
        }
    }
}
