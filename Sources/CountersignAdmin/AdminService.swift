package import CountersignActions
package import CountersignEngine
package import CountersignModel
import CountersignRules
package import CountersignStore
package import Foundation
package import Logging

/// What people look at and repaired: the store, the active rules, and what can be ordered.
///
/// The JSON API, the pages and the commands on this machine all work through it.
package struct AdminService: Sendable {
    /// What only the running server can do, or knows.
    package struct Commands: Sendable {
        /// Evaluates events once more by the active rules.
        package var replay: @Sendable (ReplayRequest) async throws -> [ReplayedRun]

        /// Asks the vendor what no callback told, and gives a report; nil where that is not set up.
        package var poll: (@Sendable (JSON) async throws -> JSON)?

        /// What the server runs with.
        package var state: @Sendable () async throws -> JSON

        /// How the server fares at this moment.
        package var vitals: @Sendable () async throws -> Vitals

        /// Grows with everything that is written; who sees it change looks again.
        package var writes: @Sendable () -> Int

        package init(
            replay: @escaping @Sendable (ReplayRequest) async throws -> [ReplayedRun],
            poll: (@Sendable (JSON) async throws -> JSON)?,
            state: @escaping @Sendable () async throws -> JSON,
            vitals: @escaping @Sendable () async throws -> Vitals,
            writes: @escaping @Sendable () -> Int
        ) {
            self.replay = replay
            self.poll = poll
            self.state = state
            self.vitals = vitals
            self.writes = writes
        }
    }

    let store: any Store
    let reader: any CallbackReader
    let book: RuleBook
    let explainer: Explainer
    let planner: Planner
    let commands: Commands
    let clock: any WallClock
    let logger: Logger

    /// - Parameters:
    ///   - store: What is looked at and changed.
    ///   - reader: Reads the events that are handed in.
    ///   - book: The active rules.
    ///   - registry: The actions that rules may name.
    ///   - commands: What only the running server can do.
    ///   - clock: The time at which orders are carried out.
    ///   - logger: Where orders that fail are reported.
    package init(
        store: any Store,
        reader: any CallbackReader,
        book: RuleBook,
        registry: ActionRegistry,
        commands: Commands,
        clock: any WallClock,
        logger: Logger
    ) {
        self.store = store
        self.reader = reader
        self.book = book
        explainer = Explainer(archive: store, compiler: RuleCompiler(catalogue: registry.declarations))
        planner = Planner(registry: registry)
        self.commands = commands
        self.clock = clock
        self.logger = logger
    }
}

/// How the running server fares.
package struct Vitals: Sendable {
    package var version: String
    package var startedAt: Date

    /// Whether a failed sync has ended all writing.
    package var refusesWrites: Bool

    /// How long callbacks took to be on disk.
    package var acknowledgements: HistogramCell.Snapshot

    /// Destinations whose circuit is open, and until when.
    package var openCircuits: [String: Date]

    /// Events that rules need and OneSpan Sign is not registered to send.
    package var unregisteredEvents: [String]

    /// When the last poll finished, and how many events all polls have recovered; nil where there was none.
    package var poll: (finishedAt: Date, recovered: Int)?

    package init(
        version: String,
        startedAt: Date,
        refusesWrites: Bool,
        acknowledgements: HistogramCell.Snapshot,
        openCircuits: [String: Date],
        unregisteredEvents: [String] = [],
        poll: (finishedAt: Date, recovered: Int)?
    ) {
        self.version = version
        self.startedAt = startedAt
        self.refusesWrites = refusesWrites
        self.acknowledgements = acknowledgements
        self.openCircuits = openCircuits
        self.unregisteredEvents = unregisteredEvents
        self.poll = poll
    }
}
