package import CountersignCore
package import CountersignStore
import Foundation
package import Logging
import ServiceLifecycle

/// Raises `X_NO_CALLBACKS` when no callback has arrived for long, and `X_EVENT_MISSING` when a package completed whose
/// activation never arrived: either way, callbacks may be lost.
package struct CallbackMonitor: Service {
    /// How long after the completion the activation may arrive at the latest; callbacks may arrive out of order.
    private static let patience: TimeInterval = 300

    private var key: String { account.isEmpty ? "callbacks" : "callbacks \(account)" }

    private let store: any Inbox & Archive & KeyValueStore
    private let lock: SingletonLock
    private let reporter: IncidentReporter
    private let account: String
    private let limit: TimeInterval
    private let clock: any WallClock
    private let logger: Logger

    /// A monitor that reports when no callback has arrived for `limit`; of those who share the store one at a time monitors,
    /// which the others know as `holder`.
    package init(
        store: any Inbox & Archive & KeyValueStore & SingletonStore,
        account: String = "",
        as holder: String,
        limit: Duration,
        clock: any WallClock,
        logger: Logger
    ) {
        self.store = store
        lock = SingletonLock(.callbackMonitor(of: account), as: holder, in: store, clock: clock)
        reporter = IncidentReporter(store: store, clock: clock)
        self.account = account
        self.limit = limit.timeInterval
        self.clock = clock
        self.logger = logger
    }

    /// Checks at least once a minute until a graceful shutdown, while no other instance does; a check that fails is logged and
    /// repeated.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            let pause = min(SingletonLock.pause.timeInterval, limit / 2)
            while !Task.isCancelled {
                do {
                    let term = try await lock.take()
                    logger.debug("Monitoring callbacks", metadata: ["term": "\(term)"])
                    try await look()
                } catch SingletonError.held(_, let hold) {
                    logger.debug(
                        "Another instance monitors callbacks",
                        metadata: ["holder": "\(hold.holder)", "term": "\(hold.term)"]
                    )
                } catch {
                    logger.error("Callbacks cannot be monitored, retrying", metadata: ["error": "\(error)"])
                }
                try? await clock.sleep(until: clock.now.addingTimeInterval(pause))
            }
        }
        do {
            try await lock.giveUp()
        } catch {
            logger.debug("The next monitor has to wait up to a minute", metadata: ["error": "\(error)"])
        }
    }

    /// Checks once.
    ///
    /// - Throws: `StoreError`.
    package func look() async throws {
        let now = clock.now
        guard var state = State(json: try await store.value(forKey: key)) else {
            // What was before the first check is not evaluated.
            return try await store.set(State(began: now, checkedUntil: now).json, forKey: key)
        }
        try await reportNoCallbacks(since: state.began, at: now)
        let end = now.addingTimeInterval(-Self.patience)
        guard end > state.checkedUntil else { return }
        try await reportMissingEvents(from: state.checkedUntil, to: end)
        state.checkedUntil = end
        try await store.set(state.json, forKey: key)
    }

    private struct State {
        /// When the monitoring began.
        let began: Date

        /// Completions that were stored before this time have been looked at.
        var checkedUntil: Date

        init(began: Date, checkedUntil: Date) {
            self.began = began
            self.checkedUntil = checkedUntil
        }

        init?(json: JSON?) {
            func date(_ key: String) -> Date? { json?[key]?.string.flatMap { Date(rfc3339: $0) } }
            guard let began = date("began"), let checkedUntil = date("checked_until") else { return nil }
            self.init(began: began, checkedUntil: checkedUntil)
        }

        var json: JSON { ["began": .string(began.rfc3339), "checked_until": .string(checkedUntil.rfc3339)] }
    }

    /// The account as a filter: without a name all events are its own.
    private var filter: String? { account.isEmpty ? nil : account }
    private var suffix: String { account.isEmpty ? "" : " of \(account)" }

    private func fields(_ facts: JSONObject) -> JSONObject {
        guard !account.isEmpty else { return facts }
        var facts = facts
        facts["account"] = .string(account)
        return facts
    }

    private func reportNoCallbacks(since began: Date, at now: Date) async throws {
        let last = try await store.events(EventQuery(account: filter, origin: .callback, limit: 1)).first?.event
            .receivedAt
        let start = last ?? began
        guard now.timeIntervalSince(start) >= limit else { return }
        // Once until the next callback: the key is the time of the last one.
        let isNew =
            try await reporter
            .raise(
                .noCallbacks,
                key: "no callbacks\(suffix) since \(start.rfc3339)",
                fields(["since": .string(start.rfc3339)])
            )
        if isNew { logger.warning("No callback has arrived for long", metadata: ["since": "\(start.rfc3339)"]) }
    }

    /// Looks at the completions that were stored in this time.
    private func reportMissingEvents(from start: Date, to end: Date) async throws {
        let query = EventQuery(name: "PACKAGE_COMPLETE", account: filter, since: start, until: end, limit: .max)
        for id in try await store.eventIDs(query) {
            guard let event = try await store.event(id)?.event, let package = event.payload.packageID else { continue }
            let sent = EventQuery(name: "PACKAGE_ACTIVATE", packageID: event.packageKey, limit: 1)
            guard try await store.events(sent).isEmpty else { continue }
            let facts = fields(["packageId": .string(package), "missing": "PACKAGE_ACTIVATE"])
            if try await reporter.raise(
                .eventMissing,
                key: "missing PACKAGE_ACTIVATE of \(event.packageKey ?? "")",
                facts
            ) {
                logger.warning(
                    "A package completed whose activation never arrived",
                    metadata: ["package.id": "\(package)"]
                )
            }
        }
    }
}
