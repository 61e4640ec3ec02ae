package import CountersignActions
package import CountersignCore
package import CountersignEngine
package import CountersignRules
package import CountersignStore
package import Foundation
package import Logging

/// The questions and commands of operators, answered and carried out by the running server.
///
/// Pages and JSON API only render what it returns.
package struct Operations: Sendable {
    /// What only the running server can do or knows.
    package struct Commands: Sendable {
        /// Evaluates events once more by the active rules.
        package var replay: @Sendable (ReplayRequest) async throws -> [ReplayedRun]

        /// Asks the vendor what no callback told, and gives a report; nil where that is not set up.
        package var poll: (@Sendable (JSON) async throws -> JSON)?

        /// What the server provides for the steps of a rule set.
        package var provisions: @Sendable (RuleSet) -> Provisions

        /// What the server runs with.
        package var state: @Sendable () async throws -> JSON

        /// The health of the server at this moment.
        package var vitals: @Sendable () async throws -> Vitals

        /// Grows with everything that is written; who sees it change looks again.
        package var writes: @Sendable () -> Int

        /// What the running server provides; `poll` is nil where polling is not set up.
        package init(
            replay: @escaping @Sendable (ReplayRequest) async throws -> [ReplayedRun],
            poll: (@Sendable (JSON) async throws -> JSON)?,
            provisions: @escaping @Sendable (RuleSet) -> Provisions,
            state: @escaping @Sendable () async throws -> JSON,
            vitals: @escaping @Sendable () async throws -> Vitals,
            writes: @escaping @Sendable () -> Int
        ) {
            self.replay = replay
            self.poll = poll
            self.provisions = provisions
            self.state = state
            self.vitals = vitals
            self.writes = writes
        }
    }

    /// The store that is read and changed.
    package let store: any Store

    /// Reads the bodies of events that operators send; it is not asked for their authentication.
    package let reader: any CallbackReader

    /// The active rules and their status.
    package let book: RuleBook

    /// Explains from the store why rules matched an event.
    package let explainer: Explainer

    /// Plans the steps of dry runs, with the same actions as live runs.
    package let planner: Planner

    /// What only the running server can do.
    package let commands: Commands

    /// The time at which commands are carried out.
    package let clock: any WallClock

    /// Where failed commands are logged.
    package let logger: Logger

    /// - Parameters:
    ///   - store: What is looked at and changed.
    ///   - reader: Reads the events that are handed in.
    ///   - book: The active rules.
    ///   - registry: The actions that rules may name.
    ///   - commands: What only the running server can do.
    ///   - clock: The time at which commands are carried out.
    ///   - logger: Where failed commands are logged.
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

/// The health of the running server.
package struct Vitals: Sendable {
    /// The version of the program.
    package var version: String

    /// When the server started.
    package var startedAt: Date

    /// Whether a failed sync has ended all writing.
    package var refusesWrites: Bool

    /// How long callbacks took to be on disk.
    package var acknowledgements: Latency

    /// Destinations whose circuit is open, and until when.
    package var openCircuits: [String: Date]

    /// Events that rules need and OneSpan Sign is not registered to send.
    package var unregisteredEvents: [String]

    /// When the last poll finished, and how many events all polls have recovered; nil where there was none.
    package var poll: (finishedAt: Date, recovered: Int)?

    /// The health of a server; `openCircuits` is by destination, and `poll` nil where no poll has finished.
    package init(
        version: String,
        startedAt: Date,
        refusesWrites: Bool,
        acknowledgements: Latency,
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
