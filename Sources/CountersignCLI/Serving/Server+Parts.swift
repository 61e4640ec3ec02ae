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
    func runner(_ worker: RunWorker) -> Runner {
        Runner(
            worker: worker,
            settings: EngineSettings(workers: settings.workers, shutdownTimeout: settings.shutdownTimeout),
            clock: environment.clock,
            logger: logger,
            makeLeaseID: { UUID().uuidString }
        )
    }

    func callbackServer(
        _ store: any OwnedStore,
        _ book: RuleBook,
        _ traces: EventTraces?,
        _ certificate: ServerCertificate?
    ) throws -> CallbackServer {
        CallbackServer(
            settings: ListenerSettings(
                host: settings.host,
                port: settings.port,
                socket: try SocketActivation.descriptor(in: environment.variables, process: getpid()),
                certificate: certificate,
                callbackPath: settings.callbackPath,
                maximumBody: settings.maximumBody,
                maximumPendingBodies: settings.maximumPendingBodies,
                maximumConnections: descriptors.callbacks
            ),
            inbox: store,
            reader: OneSpanCallbacks(authentication: settings.requiresKey ? .keys(keys) : .none),
            traces: traces,
            readiness: { await readiness(store, book) },
            clock: environment.clock,
            logger: logger
        )
    }

    /// What people look at and repaired.
    func operations(
        _ store: any OwnedStore,
        _ book: RuleBook,
        _ registry: ActionRegistry,
        _ limiter: DestinationLimiter,
        _ poller: Poller?,
        _ registration: RegistrationWatch?
    ) -> Operations {
        let clock = environment.clock
        let (metrics, startedAt) = (metrics, clock.now)
        return Operations(
            store: store,
            // Who may hand events in has been let in by then.
            reader: OneSpanCallbacks(authentication: .none),
            book: book,
            registry: registry,
            commands: Operations.Commands(
                replay: { try await Replayer(store: store, book: book, clock: clock).replay($0) },
                poll: poller.map(Self.polling),
                provisions: { [settings, variables = environment.variables] in settings.provisions(for: $0, variables)
                },
                state: { try await state(store, book) },
                vitals: {
                    let statistics = store.statistics
                    let polls = try await store.pollState()
                    return Vitals(
                        version: Application.version,
                        startedAt: startedAt,
                        refusesWrites: statistics.isBroken,
                        acknowledgements: metrics.durations(MetricCatalogue.acknowledgements).latency,
                        openCircuits: limiter.open,
                        unregisteredEvents: registration?.missing ?? [],
                        poll: polls?.finishedAt.map { ($0, polls?.recovered ?? 0) }
                    )
                },
                writes: { store.statistics.operations }
            ),
            clock: clock,
            logger: quietLogger
        )
    }

    func adminServer(
        _ address: (host: String, port: Int),
        _ access: AdminAccess,
        _ operations: Operations,
        _ store: any OwnedStore,
        _ limiter: DestinationLimiter,
        _ book: RuleBook
    ) -> AdminServer {
        let collector = MetricsCollector(store: store, limiter: limiter, book: book)
        return AdminServer(
            host: address.host,
            port: address.port,
            connections: descriptors.admin,
            access: access,
            operations: operations,
            registry: metrics,
            collect: { await collector.collect() },
            logger: logger
        )
    }
}
