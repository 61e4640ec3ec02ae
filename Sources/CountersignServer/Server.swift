import CountersignActions
import CountersignAdmin
package import CountersignCore
import CountersignEngine
import CountersignListener
package import CountersignObservability
import CountersignOneSpan
import CountersignOperations
import CountersignRules
import CountersignStore
import CountersignTerminal
import Foundation
import Glibc
package import Logging
import ServiceLifecycle
package import UnixSignals

/// The running program: makes the parts, and runs them until it is asked to stop.
package struct Server {
    let settings: Settings
    let keys: [String: [CallbackKey]]

    /// Whether callbacks that the spool holds for another store are taken over.
    let adoptsSpool: Bool
    let environment: CommandEnvironment
    let metrics: PrometheusRegistry

    /// What comes of SIGHUP; trapped before there is anything to read, since it would end the program otherwise.
    let hangups: UnixSignalsSequence
    let logger: Logger

    /// What comes of SIGTERM and SIGINT.
    let stop: StopSignals

    /// The scripts beside the rules.
    let scripts: ScriptFolder

    /// What each listener may take of the process's file descriptors.
    let descriptors = DescriptorBudget(limit: DescriptorBudget.raisedLimit())

    /// - Parameters:
    ///   - settings: What it serves by.
    ///   - keys: The callback keys, of which any is accepted, by the names of their accounts.
    ///   - adoptsSpool: Whether callbacks that the spool holds for another store are taken over.
    ///   - environment: The world around the program.
    ///   - metrics: What is counted while it serves.
    ///   - hangups: What comes of SIGHUP, trapped already.
    ///   - logger: Where it tells what happens.
    package init(
        settings: Settings,
        keys: [String: [CallbackKey]],
        adoptsSpool: Bool,
        environment: CommandEnvironment,
        metrics: PrometheusRegistry,
        hangups: UnixSignalsSequence,
        logger: Logger
    ) {
        self.settings = settings
        self.keys = keys
        self.adoptsSpool = adoptsSpool
        self.environment = environment
        self.metrics = metrics
        self.hangups = hangups
        self.logger = logger
        stop = StopSignals(logger: logger)
        scripts = ScriptFolder(settings.rulesPath, clock: environment.clock)
    }

    /// Serves until SIGTERM or SIGINT.
    ///
    /// - Throws: `CommandFailure` when it cannot start, or a service cannot go on.
    package func run() async throws {
        if let fault = settings.faultOfControlSocket { throw UsageError(fault) }
        if geteuid() == 0 {
            logger.warning(
                "Running as root, as does every program that a rule starts; create a user for it (systemd: User=)"
            )
        }
        let certificate = try settings.serverCertificate()
        let access = AdminAccess(tokens: try settings.adminAccessTokens(environment.variables))
        let registry = try await environment.registry(for: settings)
        let callbacks = try environment.callbackAuthentication(for: settings, keys, logger: logger)
        // What was kept counts from the first callback on, whether the issuer can be reached or not.
        for issuer in callbacks.issuers { await issuer.load() }
        try await stop.watch {
            guard let opened = try await openStore(certificate, access, callbacks) else { return }
            warnOfStore()
            do {
                try makeOutputFolder()
                let spool = try openSpool(for: opened.store)
                try await serve(opened, spool, actions: registry, certificate: certificate, access: access, callbacks)
            } catch {
                await opened.store.close()
                throw error is CommandFailure ? error : CommandFailure("\(error)")
            }
            await opened.store.close()
        }
        logger.info("Stopped")
    }

    private func makeOutputFolder() throws {
        do {
            try FileManager.default.createDirectory(
                atPath: settings.outputRoot,
                withIntermediateDirectories: true
            )
        } catch {
            throw CommandFailure(
                "the output folder '\(settings.outputRoot)' cannot be made: \(systemWords(error)); name another with "
                    + "'files.root', or check the permissions"
            )
        }
    }

    func tellOfUpgrade(_ upgrade: StoreUpgrade) {
        logger.warning(
            "Upgrading the store of an older version, which takes a while for a large one",
            metadata: [
                "store.schema": "\(upgrade.from)", "store.schema.wanted": "\(upgrade.to)",
                "store.size": "\(upgrade.size.rounded)",
            ]
        )
    }

    /// What the services share.
    struct Parts {
        let store: any OwnedStore

        /// What stores callbacks while the store cannot; nil where there is none.
        let spooling: Spooling?

        /// The socket on which callbacks were accepted already; nil where none were.
        let socket: CInt?
        let book: RuleBook
        let pauses: PauseBook
        let registry: ActionRegistry
        let certificate: ServerCertificate?
        let access: AdminAccess
        let callbacks: CallbackAuthentication
        let registrations: [RegistrationWatch]
    }

    private func serve(
        _ opened: OpenedStore,
        _ spool: Spool?,
        actions registry: ActionRegistry,
        certificate: ServerCertificate?,
        access: AdminAccess,
        _ callbacks: CallbackAuthentication
    ) async throws {
        let store = opened.store
        let book = ruleBook(over: store, actions: registry)
        let reporter = IncidentReporter(store: store, clock: environment.clock)
        try await tellOfLostEvents(store, reporter)
        try await loadRules(into: book, reporter)
        warn(about: book.current)
        logger.info(
            "File descriptors allocated",
            metadata: [
                "connections.callbacks": "\(descriptors.callbacks)", "connections.admin": "\(descriptors.admin)",
                "connections.control": "\(descriptors.control)",
            ]
        )
        let parts = Parts(
            store: store,
            spooling: spool.map { Spooling($0, over: store, settings, environment.clock, logger) },
            socket: opened.socket,
            book: book,
            pauses: PauseBook(store: store, clock: environment.clock),
            registry: registry,
            certificate: certificate,
            access: access,
            callbacks: callbacks,
            registrations: try settings.accounts.compactMap { try registrationWatch(book, of: $0) }
        )
        await takeOverPrograms(of: store)
        try await run(try services(parts, reloader(of: parts, reporter: reporter)))
    }

    /// Runs services until the program is asked to stop, or one of them cannot go on.
    private func run(_ services: [any Service]) async throws {
        var configuration = ServiceGroupConfiguration(
            services: services.map { .init(service: $0, failureTerminationBehavior: .gracefullyShutdownGroup) }
                + [.init(service: stop, successTerminationBehavior: .gracefullyShutdownGroup)],
            logger: quietLogger
        )
        configuration.maximumGracefulShutdownDuration = settings.shutdownTimeout + .seconds(5)
        configuration.maximumCancellationDuration = .seconds(5)
        try await ServiceGroup(configuration: configuration).run()
    }

    private func warn(about rules: LoadedRules?) {
        warnOfMissingSecrets(rules, logger)
        warnOfMissingSettings(rules)
        warnOfUnknownVariables(rules)
        warnOfPlaces()
        warnOfAPIKey()
        warnOfProxies()
    }

    /// In the order of starting; they are stopped from the last to the first.
    private func services(_ parts: Parts, _ reloader: RuleReloader) throws -> [any Service] {
        let (store, clock) = (parts.store, environment.clock)
        let clients = try environment.oneSpans(for: settings)
        let limiter = DestinationLimiter(
            capacity: settings.workersPerDestination,
            capacities: settings.capacities,
            rates: settings.rates
        )
        let exporter = exporter(for: store)
        let traces = exporter.map { exporter in
            EventTraces(identity: store.identity) { exporter.take($0) }
        }
        let pollers = settings.accounts.reduce(into: [String: Poller]()) { pollers, account in
            pollers[account.name] = clients[account.name]
                .map {
                    settings.with(account: account).poller($0, over: store, as: settings.instanceName, logger: logger)
                }
        }
        let operations = operations(parts, limiter, pollers)
        let certificateWatch = parts.certificate
            .map { CertificateWatch(certificate: $0, clock: clock, logger: logger) }
        let commandsAreHeard = AsyncSignal()
        let callbacks = try callbackServer(parts, traces)
        // What sends traces is stopped last, so that nothing that is recorded meanwhile is left behind, and the spool behind
        // the endpoint that fills it.
        let first = Self.present(exporter, parts.spooling?.service)
        // The endpoint comes early, so it is shut late: callbacks are stored while what runs has its grace time.
        return first + [
            ControlServer(
                path: settings.controlSocket,
                connections: descriptors.control,
                operations: operations,
                logger: quietLogger,
                activity: logger
            ) { commandsAreHeard.notify() },
            DeferredListener(listener: callbacks, opener: commandsAreHeard),
            try runner(parts, clients, limiter: limiter, traces: traces),
        ] + states(parts, traces) + [
            reloader,
            diskWatch(over: store), ClockWatch(store: store, clock: clock, uptime: { .now }, logger: logger),
            Housekeeper(store: store, retention: settings.retention, clock: clock, logger: logger),
            ReloadSignalService(hangups: hangups, reloader: reloader, certificate: certificateWatch, logger: logger),
            OrphanReaper(clock: clock), unverifiedCallbacks(parts),
        ] + sharing(limiter, over: store) + optionalServices(parts, operations, limiter, pollers)
            + Self.present(certificateWatch, parts.spooling?.stop)
    }

    private static func present(_ services: (any Service)?...) -> [any Service] { services.compactMap(\.self) }

    /// Services that run only where the settings ask for them.
    private func optionalServices(
        _ parts: Parts,
        _ operations: Operations,
        _ limiter: DestinationLimiter,
        _ pollers: [String: Poller]
    ) -> [any Service] {
        let services: [(any Service)?] = [
            settings.admin.map { adminServer($0, parts, operations, limiter) }, activationWatch(parts),
        ]
        return services.compactMap(\.self) + parts.registrations
            + settings.accounts.flatMap { self.services(of: $0, parts.store, pollers[$0.name]) }
    }

    /// What watches over the callbacks of an account, where its settings ask for that.
    private func services(of account: AccountSettings, _ store: any OwnedStore, _ poller: Poller?) -> [any Service] {
        let monitor = account.alertAfter.map {
            CallbackMonitor(
                store: store,
                account: account.name,
                as: settings.instanceName,
                limit: $0,
                clock: environment.clock,
                logger: logger
            )
        }
        return Self.present(monitor, poller.flatMap { polling($0, store, account) })
    }

    /// What sees whether OneSpan Sign sends what the rules need, where it can be asked.
    private func registrationWatch(_ book: RuleBook, of account: AccountSettings) throws -> RegistrationWatch? {
        let settings = settings.with(account: account)
        guard let client = try environment.oneSpan(for: settings) else { return nil }
        return RegistrationWatch(
            wanted: { settings.wantedEvents(by: book.current?.ruleSet) },
            registered: { try await client.registration(of: .account).events },
            clock: environment.clock,
            logger: logger(of: account.name)
        )
    }

    /// What polls from time to time, where that is asked for.
    private func polling(_ poller: Poller, _ store: any Store, _ account: AccountSettings) -> PollingService? {
        account.oneSpan?.pollEvery
            .map { interval in
                PollingService(
                    poller: poller,
                    account: account.name,
                    archive: store,
                    reporter: IncidentReporter(store: store, clock: environment.clock),
                    interval: interval.timeInterval,
                    clock: environment.clock,
                    logger: logger(of: account.name)
                )
            }
    }

    /// The log, whose lines name the account where it has a name.
    func logger(of account: String) -> Logger {
        var logger = logger
        if !account.isEmpty { logger[metadataKey: "account"] = "\(account)" }
        return logger
    }

    /// What sends traces to a collector, where there is one.
    private func exporter(for store: any Store) -> SpanExporter? {
        settings.collector.map { endpoint in
            SpanExporter(
                endpoint: endpoint,
                version: ProgramVersion.current,
                instance: store.identity,
                client: environment.client,
                clock: environment.clock,
                logger: logger
            )
        }
    }

    /// The name under which programs of this store are started; a copy of the store elsewhere has another.
    func owner(of store: any Store) -> String { "\(store.identity)@\(settings.storePath)" }

    /// Has what programs leave behind come to us, and ends what those of a server that was killed left.
    ///
    /// Their steps are begun again; without this, one and the same step would be at work twice.
    private func takeOverPrograms(of store: any Store) async {
        if let refusal = Orphans.adopt() {
            logger.warning(
                "Processes that leave their process group cannot be killed",
                metadata: ["reason": "\(refusal)"]
            )
        }
        let count = await Orphans.endLeftovers(of: owner(of: store))
        if count > 0 {
            logger.warning("Processes left by a killed server were killed", metadata: ["processes": "\(count)"])
        }
    }

    /// The libraries' own lines about starting and stopping are left out.
    var quietLogger: Logger {
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .warning)
        return quiet
    }

    /// The server's configuration and health, for `countersign doctor`.
    func state(_ store: any OwnedStore, _ book: RuleBook) async throws -> ServerState {
        ServerState(
            process: Int64(getpid()),
            version: ProgramVersion.current,
            ruleSet: book.current?.ruleSet.version,
            commits: store.statistics.commits,
            waiting: store.statistics.waiting,
            refusesWrites: store.statistics.isBroken,
            storeFacts: try await store.facts()
        )
    }

    func readiness(_ parts: Parts) async -> Readiness {
        let rules = parts.store.isOutdated ? .outdated : parts.book.status.summary
        var canWrite = true
        do {
            try await parts.store.confirmWritable()
        } catch {
            canWrite = false
        }
        let store = parts.spooling?.readiness(storeCanWrite: canWrite) ?? (canWrite ? .writable : .cannotWrite)
        let pauses = (try? await parts.store.pauses(at: environment.clock.now)) ?? []
        return Readiness(store: store, rules: rules?.naming(pauses) ?? .failing("none"))
    }
}
