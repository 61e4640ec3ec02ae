package import CountersignActions
package import CountersignCore
package import CountersignEngine
package import CountersignOneSpan
package import CountersignRules
package import CountersignStore
package import Foundation
package import Logging

/// The questions and commands of operators, answered and carried out by the running server.
///
/// Pages and JSON API only render what it returns.
package struct Operations: Sendable {
    /// What only the running server knows.
    package struct Host: Sendable {
        /// What the server provides for the steps of a rule set.
        package let provisions: @Sendable (RuleSet) -> Provisions

        /// What the server runs with.
        package let state: @Sendable () async throws -> ServerState

        /// The health of the server at this moment.
        package let vitals: @Sendable () async throws -> Vitals

        /// Grows with everything that is written; who sees it change looks again.
        package let writes: @Sendable () -> Int

        /// The name of this instance.
        package let name: String

        /// This server among the instances of its store.
        package let instance: @Sendable () async throws -> InstanceRecord

        /// Checks rules, and activates them.
        package let install: @Sendable (RuleSources) async throws -> RuleBook.Change

        /// What the running server knows of itself.
        package init(
            name: String,
            provisions: @escaping @Sendable (RuleSet) -> Provisions,
            state: @escaping @Sendable () async throws -> ServerState,
            vitals: @escaping @Sendable () async throws -> Vitals,
            writes: @escaping @Sendable () -> Int,
            instance: @escaping @Sendable () async throws -> InstanceRecord,
            install: @escaping @Sendable (RuleSources) async throws -> RuleBook.Change
        ) {
            self.name = name
            self.provisions = provisions
            self.state = state
            self.vitals = vitals
            self.writes = writes
            self.instance = instance
            self.install = install
        }
    }

    /// What is asked about the store and the active rules.
    package let questions: StoreQuestions

    /// What is done to the store.
    package let commands: StoreCommands

    /// The active rules and their status.
    package let book: RuleBook

    /// What only the running server knows.
    package let host: Host

    /// From when times ago are counted, and when commands are carried out.
    package let clock: any WallClock

    /// Where failed requests are reported.
    package let logger: Logger

    let store: any Store
    let planner: Planner
    private let reader: any CallbackReader

    /// - Parameters:
    ///   - store: What is looked at and changed.
    ///   - reader: Reads the events that are handed in.
    ///   - book: The active rules.
    ///   - registry: The actions that rules may name.
    ///   - pollers: Ask OneSpan Sign, by the names of the accounts that are set up.
    ///   - accounts: The names of the accounts; none where the settings name none.
    ///   - host: What only the running server knows.
    ///   - clock: The time at which commands are carried out.
    ///   - logger: Where failed requests are reported.
    package init(
        store: any Store,
        reader: any CallbackReader,
        book: RuleBook,
        registry: ActionRegistry,
        pollers: [String: Poller],
        accounts: [String],
        host: Host,
        clock: any WallClock,
        logger: Logger
    ) {
        let compiler = RuleCompiler(catalogue: registry.declarations)
        questions = StoreQuestions(
            archive: store,
            compiler: { compiler },
            active: { book.current?.ruleSet },
            instance: host.instance,
            clock: clock
        )
        commands = StoreCommands(
            store: store,
            questions: questions,
            replayer: Replayer(store: store, book: book, clock: clock),
            pollers: pollers,
            accounts: accounts,
            install: host.install,
            clock: clock
        )
        self.store = store
        self.reader = reader
        self.book = book
        planner = Planner(registry: registry)
        self.host = host
        self.clock = clock
        self.logger = logger
    }

    /// An event that a person hands in, as the server reads it.
    ///
    /// - Throws: `OperationError` where it is no event.
    package func delivery(of body: [UInt8]) throws(OperationError) -> Delivery {
        do {
            // By hand, since events that only rules raise are taken as well.
            return try reader.read(body, origin: .manual)
        } catch {
            throw OperationError(.invalid, error.reason)
        }
    }

    /// What the active rules would do with a body.
    ///
    /// - Throws: `OperationError` where it is no event, or there are no active rules.
    package func dryRun(_ body: [UInt8]) async throws(OperationError) -> DryRunReport {
        guard let rules = book.current?.ruleSet else {
            throw OperationError(.unavailable, "there are no active rules")
        }
        let event = Event(tried: try delivery(of: body), at: clock.now)
        let dryRun = DryRun(ruleSet: rules, planner: planner, provisions: host.provisions(rules))
        do {
            let rules = try await dryRun.report(on: event, at: clock.now) { try await store.snapshot(for: $0) }
            return DryRunReport(event: event, rules: rules)
        } catch {
            throw OperationError(.unavailable, "what rules have open cannot be read: \(error)")
        }
    }

    /// The name of this instance, where others may share its store; nil where it has it alone.
    package var sharingInstance: String? { store.isShared ? host.name : nil }

    /// How many runs failed for good and need attention.
    package func failedRuns() async throws -> Int { try await store.runCount(ofRule: nil, in: .failed) }
}

extension Event {
    /// An event that is only tried: it has no number, and comes from where events of its name come from.
    package init(tried delivery: Delivery, package: JSON? = nil, at now: Date) {
        self.init(
            id: Event.ID(rawValue: 0),
            name: delivery.name,
            payload: delivery.payload,
            origin: EventCatalogue.origin(of: delivery.name),
            receivedAt: now,
            package: package
        )
    }
}
