package import CountersignModel
package import CountersignStore
import Foundation
package import Logging
import ServiceLifecycle

/// Raises `X_SILENCE` when no callback has come for long, and `X_GAP` when a package is complete that was never seen sent:
/// either way, callbacks may be lost.
package struct SilenceWatch: Service {
    /// How long after a completion the event of the sending may come at the latest; callbacks may change places.
    private static let patience: TimeInterval = 300

    private static let note = "silence"

    private let store: any Inbox & Archive & Notebook
    private let board: TroubleBoard
    private let limit: TimeInterval
    private let clock: any WallClock
    private let logger: Logger

    /// A watch that takes `limit` without a callback for silence.
    package init(
        store: any Inbox & Archive & Notebook,
        limit: Duration,
        clock: any WallClock,
        logger: Logger
    ) {
        self.store = store
        board = TroubleBoard(store: store, clock: clock)
        self.limit = limit.timeInterval
        self.clock = clock
        self.logger = logger
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    try await look()
                } catch {
                    logger.error("Silence cannot be watched, trying again", metadata: ["error": "\(error)"])
                }
                try? await clock.sleep(until: clock.now.addingTimeInterval(min(60, limit / 2)))
            }
        }
    }

    /// Looks once.
    ///
    /// - Throws: `StoreError`.
    package func look() async throws {
        let now = clock.now
        guard var state = State(json: try await store.note(Self.note)) else {
            // What lies before the first look is nobody's to judge.
            return try await store.keep(note: Self.note, State(began: now, gapsFrom: now).json)
        }
        try await tellSilence(since: state.began, at: now)
        let end = now.addingTimeInterval(-Self.patience)
        guard end > state.gapsFrom else { return }
        try await tellGaps(from: state.gapsFrom, to: end)
        state.gapsFrom = end
        try await store.keep(note: Self.note, state.json)
    }

    private struct State {
        /// When the watch began.
        let began: Date

        /// Completions that were stored before this time have been looked at.
        var gapsFrom: Date

        init(began: Date, gapsFrom: Date) {
            self.began = began
            self.gapsFrom = gapsFrom
        }

        init?(json: JSON?) {
            func date(_ key: String) -> Date? { json?[key]?.string.flatMap { Date(rfc3339: $0) } }
            guard let began = date("began"), let gapsFrom = date("gaps_from") else { return nil }
            self.init(began: began, gapsFrom: gapsFrom)
        }

        var json: JSON { ["began": .string(began.rfc3339), "gaps_from": .string(gapsFrom.rfc3339)] }
    }

    private func tellSilence(since began: Date, at now: Date) async throws {
        let last = try await store.events(EventQuery(origin: .callback, limit: 1)).first?.event.receivedAt
        let start = last ?? began
        guard now.timeIntervalSince(start) >= limit else { return }
        // Once for each silence: the key is the time of its beginning.
        let isNew =
            try await board
            .raise(.silence, key: "silence \(start.rfc3339)", ["since": .string(start.rfc3339)])
        if isNew { logger.warning("No callback has come for long", metadata: ["since": "\(start.rfc3339)"]) }
    }

    /// Looks at the completions that were stored in this time.
    private func tellGaps(from start: Date, to end: Date) async throws {
        let query = EventQuery(name: "PACKAGE_COMPLETE", since: start, until: end, limit: .max)
        for id in try await store.eventIDs(query) {
            guard let package = try await store.event(id)?.event.payload.packageID else { continue }
            let sent = EventQuery(name: "PACKAGE_ACTIVATE", packageID: package, limit: 1)
            guard try await store.events(sent).isEmpty else { continue }
            let fields: JSONObject = ["packageId": .string(package), "missing": "PACKAGE_ACTIVATE"]
            if try await board.raise(.gap, key: "gap \(package)", fields) {
                logger.warning("A package is complete that was never seen sent", metadata: ["package.id": "\(package)"])
            }
        }
    }
}
