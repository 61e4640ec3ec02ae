import CountersignActions
import CountersignAdmin
import CountersignCore
import CountersignEngine
import CountersignListener
import CountersignObservability
import CountersignOneSpan
import CountersignOperations
import CountersignRules
import CountersignStore
import Foundation
import Glibc
import Logging
import ServiceLifecycle
import UnixSignals

/// The parts of the server, made from its settings.
extension Server {
    func runner(
        _ parts: Parts,
        _ clients: [String: OneSpanClient],
        limiter: DestinationLimiter,
        traces: EventTraces?
    ) throws -> Runner {
        let clock = environment.clock
        let services = try environment.services(
            for: settings,
            owner: owner(of: parts.store),
            events: InboxEvents(inbox: parts.store, clock: clock),
            packages: clients
        )
        let worker = RunWorker(
            store: parts.store,
            book: parts.book,
            planner: Planner(registry: parts.registry),
            services: services,
            limiter: limiter,
            pauses: parts.pauses,
            traces: traces,
            home: parts.store.isShared && !settings.sharesFiles ? settings.instanceName : nil,
            clock: clock,
            logger: logger,
            spread: { Double.random(in: 0...1) }
        )
        return Runner(
            worker: worker,
            settings: EngineSettings(
                workers: settings.workers,
                lease: settings.lease,
                shutdownTimeout: settings.shutdownTimeout
            ),
            clock: clock,
            logger: logger,
            makeLeaseID: { UUID().uuidString }
        )
    }

    /// What decides about events, and about what is due.
    func states(_ parts: Parts, _ traces: EventTraces?) -> [any Service] {
        let (store, clock) = (parts.store, environment.clock)
        let reporter = IncidentReporter(store: store, clock: clock)
        let bounds = StateBounds(store: store, reporter: reporter, mostKeys: settings.mostKeys)
        return [
            Dispatcher(
                store: store,
                book: parts.book,
                traces: traces,
                bounds: bounds,
                clock: clock,
                logger: logger
            ),
            StateService(
                store: store,
                book: parts.book,
                pauses: parts.pauses,
                bounds: bounds,
                clock: clock,
                logger: logger
            ), QueueWatch(store: store, clock: clock, logger: logger),
        ]
    }

    func callbackServer(_ parts: Parts, _ traces: EventTraces?) throws -> CallbackServer {
        let handed = try SocketActivation.descriptor(in: environment.variables, process: getpid())
        return CallbackServer(
            settings: listenerSettings(socket: parts.socket ?? handed, parts.certificate, parts.callbacks),
            inbox: parts.spooling?.inbox ?? parts.store,
            reader: OneSpanCallbacks(),
            quota: parts.callbacks.quota,
            traces: traces,
            readiness: { await readiness(parts) },
            clock: environment.clock,
            logger: logger
        )
    }

    /// What verifies quarantined callbacks when their issuers can be reached.
    func unverifiedCallbacks(_ parts: Parts) -> UnverifiedCallbacks {
        UnverifiedCallbacks(
            store: parts.store,
            reader: OneSpanCallbacks(),
            endpoints: parts.callbacks.endpoints,
            issuers: parts.callbacks.issuers,
            quota: parts.callbacks.quota,
            clock: environment.clock,
            logger: logger
        )
    }

    /// Where callbacks are accepted; on `socket` where that listens already.
    func listenerSettings(
        socket: CInt?,
        _ certificate: ServerCertificate?,
        _ callbacks: CallbackAuthentication
    ) -> ListenerSettings {
        ListenerSettings(
            host: settings.host,
            port: settings.port,
            socket: socket,
            certificate: certificate,
            endpoints: callbacks.endpoints,
            trustedProxies: TrustedProxies(settings.trustedProxies),
            maximumBody: settings.maximumBody,
            maximumPendingBodies: settings.maximumPendingBodies,
            maximumConnections: descriptors.callbacks
        )
    }

    /// What people look at, and the commands that they give.
    func operations(_ parts: Parts, _ limiter: DestinationLimiter, _ pollers: [String: Poller]) -> Operations {
        let (store, book) = (parts.store, parts.book)
        let clock = environment.clock
        let startedAt = clock.now
        return Operations(
            store: store,
            // Who may hand events in has been let in by then.
            reader: OneSpanCallbacks(),
            book: book,
            registry: parts.registry,
            pollers: pollers,
            accounts: settings.accountNames,
            host: Operations.Host(
                name: settings.instanceName,
                provisions: { [settings, variables = environment.variables] in settings.provisions(for: $0, variables)
                },
                state: { try await state(store, book) },
                vitals: { try await vitals(parts, limiter, since: startedAt) },
                writes: { store.statistics.operations },
                instance: { try await instance(parts, since: startedAt) },
                install: { try await install($0, parts) }
            ),
            clock: clock,
            logger: quietLogger
        )
    }

    private func vitals(
        _ parts: Parts,
        _ limiter: DestinationLimiter,
        since startedAt: Date
    ) async throws -> Vitals {
        var polls: PollState?
        // With several accounts the one that was polled longest ago: the others are fine then.
        for account in settings.accounts where account.oneSpan?.pollEvery != nil || settings.accounts.count == 1 {
            let state = try await parts.store.pollState(of: account.name)
            if (state?.finishedAt ?? .distantFuture) <= polls?.finishedAt ?? .distantFuture { polls = state ?? polls }
        }
        return Vitals(
            version: ProgramVersion.current,
            startedAt: startedAt,
            refusesWrites: parts.store.statistics.isBroken,
            acknowledgements: metrics.durations(MetricCatalogue.acknowledgements).latency,
            openCircuits: limiter.open,
            unregisteredEvents: Set(parts.registrations.flatMap(\.missing)).sorted(),
            poll: polls?.finishedAt.map { ($0, polls?.recovered ?? 0) }
        )
    }

    func adminServer(
        _ address: (host: String, port: Int),
        _ parts: Parts,
        _ operations: Operations,
        _ limiter: DestinationLimiter
    ) -> AdminServer {
        let collector = MetricsCollector(
            store: parts.store,
            spool: parts.spooling?.spool,
            limiter: limiter,
            book: parts.book,
            accounts: settings.accounts.map(\.name)
        )
        return AdminServer(
            host: address.host,
            port: address.port,
            connections: descriptors.admin,
            access: parts.access,
            operations: operations,
            registry: metrics,
            collect: { await collector.collect() },
            logger: logger
        )
    }

    /// What tells the other instances which destinations are down, and shares rates with them, where there may be others.
    func sharing(_ limiter: DestinationLimiter, over store: any Store) -> [any Service] {
        guard store.isShared else { return [] }
        let clock = environment.clock
        let circuits = CircuitSharing(store: store, limiter: limiter, clock: clock, logger: logger)
        guard limiter.hasRates else { return [circuits] }
        let rates = RateSharing(
            limiter: limiter,
            instances: { try await store.instances() },
            clock: clock,
            logger: logger
        )
        return [circuits, rates]
    }

    func diskWatch(over store: any Store) -> DiskWatch {
        DiskWatch(
            locations: [
                settings.store.file.map { .init("store", in: $0.folder) }, .init("output", in: settings.outputRoot),
            ]
            .compactMap(\.self),
            limit: settings.minimumFree,
            reporter: IncidentReporter(store: store, clock: environment.clock),
            clock: environment.clock,
            logger: logger
        )
    }
}
