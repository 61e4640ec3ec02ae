import CountersignAdmin
import CountersignCore
import CountersignListener
import CountersignOneSpan
import CountersignStore
import CountersignTerminal
import Foundation
import Glibc
import Logging
import ServiceLifecycle
import Synchronization
import UnixSignals

/// The start without a store: callbacks are spooled until it can be opened.
extension Server {
    /// A store that is open, and the socket on which callbacks were accepted before it was.
    struct OpenedStore {
        let store: any OwnedStore
        var socket: CInt?
    }

    /// Opens the store; where it cannot be opened for now, callbacks are accepted by the spool alone meanwhile.
    ///
    /// - Throws: `CommandFailure` when it cannot be opened, and waiting would not help or there is no spool.
    /// - Returns: nil when the server was stopped before the store could be opened.
    func openStore(
        _ certificate: ServerCertificate?,
        _ access: AdminAccess,
        _ callbacks: CallbackAuthentication
    ) async throws -> OpenedStore? {
        do {
            return OpenedStore(store: try settings.driver.open { tellOfUpgrade($0) })
        } catch let error as StoreError where error.mayPass {
            guard let spool = try spoolWithoutStore() else { throw CommandFailure("\(error)") }
            return try await awaitStore(spool, error, certificate, access, callbacks)
        } catch {
            throw CommandFailure("\(error)")
        }
    }

    /// The spool that is there; nil where none is, so that nobody knows which store its callbacks are for.
    private func spoolWithoutStore() throws -> Spool? {
        do throws(SpoolError) {
            return try Spool.open(settings.spool.options(adopting: adoptsSpool), for: nil)
        } catch .missing {
            return nil
        } catch {
            throw CommandFailure("\(error)")
        }
    }

    private func awaitStore(
        _ spool: Spool,
        _ reason: StoreError,
        _ certificate: ServerCertificate?,
        _ access: AdminAccess,
        _ callbacks: CallbackAuthentication
    ) async throws -> OpenedStore? {
        logger.error(
            "The store cannot be opened, callbacks are spooled until it can",
            metadata: ["reason": "\(reason)", "spool": "\(spool.path)"]
        )
        let socket =
            try SocketActivation.descriptor(in: environment.variables, process: getpid())
            ?? ListeningSocket.make(host: settings.host, port: settings.port)
        let opener = StoreOpener(clock: environment.clock, logger: logger) {
            try settings.driver.open { tellOfUpgrade($0) }
        }
        var configuration = ServiceGroupConfiguration(
            services: [
                .init(service: spoolingServer(spool, ListeningSocket.copy(socket), certificate, callbacks)),
                .init(service: opener, successTerminationBehavior: .gracefullyShutdownGroup),
                .init(service: stop, successTerminationBehavior: .gracefullyShutdownGroup),
            ] + (settings.admin.map { [.init(service: waitingAdmin($0, spool, access))] } ?? []),
            logger: quietLogger
        )
        configuration.maximumGracefulShutdownDuration = settings.shutdownTimeout
        try await ServiceGroup(configuration: configuration).run()
        let left = spool.status.events
        await spool.close()
        if let store = opener.store { return OpenedStore(store: store, socket: socket) }
        close(socket)
        if left > 0 {
            logger.warning(
                "Callbacks remain in the spool, the next start stores them",
                metadata: ["events": "\(left)", "spool": "\(spool.path)"]
            )
        }
        return nil
    }

    /// Metrics, and a page that says what is waited for.
    private func waitingAdmin(
        _ address: (host: String, port: Int),
        _ spool: Spool,
        _ access: AdminAccess
    ) -> WaitingAdminServer {
        let (process, clock) = (ProcessFigures(), environment.clock)
        return WaitingAdminServer(
            host: address.host,
            port: address.port,
            connections: descriptors.admin,
            access: access,
            registry: metrics,
            collect: {
                MetricsCollector.collect(spool, at: clock.now)
                process.collect()
            },
            clock: clock,
            logger: logger
        )
    }

    /// An endpoint for callbacks that go to the spool.
    private func spoolingServer(
        _ spool: Spool,
        _ socket: CInt,
        _ certificate: ServerCertificate?,
        _ callbacks: CallbackAuthentication
    ) -> CallbackServer {
        CallbackServer(
            settings: listenerSettings(socket: socket, certificate, callbacks),
            inbox: SpoolingInbox(
                store: nil,
                spool: spool,
                after: settings.spool.after,
                clock: environment.clock,
                logger: logger
            ),
            reader: OneSpanCallbacks(),
            quota: callbacks.quota,
            readiness: {
                let store = Spooling.readiness(of: spool.status, storeCanWrite: false)
                return Readiness(store: store, rules: .ready("waiting for the store"))
            },
            clock: environment.clock,
            logger: logger
        )
    }
}

/// Tries to open the store again and again, and ends once it is open.
final class StoreOpener: Service {
    private static let pause: TimeInterval = 1

    private let clock: any WallClock
    private let logger: Logger
    private let open: @Sendable () throws -> any OwnedStore
    private let opened = Mutex<(any OwnedStore)?>(nil)

    init(clock: any WallClock, logger: Logger, open: @escaping @Sendable () throws -> any OwnedStore) {
        self.clock = clock
        self.logger = logger
        self.open = open
    }

    /// The store, once it is open.
    var store: (any OwnedStore)? { opened.withLock { $0 } }

    func run() async throws {
        try await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                try? await self.clock.sleep(until: self.clock.now.addingTimeInterval(Self.pause))
                guard !Task.isCancelled else { return }
                do {
                    let store = try await self.attempt()
                    self.opened.withLock { $0 = store }
                    return
                } catch let error as StoreError where error.mayPass {
                    self.logger.debug("The store cannot be opened, retrying", metadata: ["error": "\(error)"])
                }
            }
        }
    }

    /// Opening may wait for the disk, and is kept off the threads of tasks.
    private func attempt() async throws -> any OwnedStore {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(with: Result { try self.open() }) }
        }
    }
}
