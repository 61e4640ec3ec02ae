package import CountersignCore
package import CountersignObservability
import CountersignOutbound
package import CountersignStore
import Foundation
package import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import ServiceLifecycle

/// The server that receives callbacks, and tells whether the program lives and is ready.
///
/// On a graceful shutdown it accepts nothing more, answers the requests under way and returns.
package struct CallbackServer: Service {
    private let settings: ListenerSettings
    private let handler: CallbackHandler
    private let logger: Logger
    private let onListening: @Sendable (Int) -> Void

    /// - Parameters:
    ///   - settings: Where to listen and how much to put up with.
    ///   - inbox: What stores events; 200 is answered only after it did.
    ///   - reader: What knows the bodies of the vendor.
    ///   - quota: Bounds what is quarantined until its sender is verified.
    ///   - traces: Where deliveries are recorded; nil for nowhere.
    ///   - readiness: How things stand; asked once a second at most.
    ///   - clock: The time at which events are received.
    ///   - logger: Where refusals and failures are reported.
    ///   - onListening: Called once with the port when connections are accepted.
    package init(
        settings: ListenerSettings,
        inbox: any Inbox,
        reader: any CallbackReader,
        quota: UnverifiedQuota = UnverifiedQuota(),
        traces: EventTraces? = nil,
        readiness: @escaping @Sendable () async -> Readiness,
        clock: any WallClock,
        logger: Logger,
        onListening: @escaping @Sendable (Int) -> Void = { _ in }
    ) {
        self.settings = settings
        self.logger = logger
        self.onListening = onListening
        let refusals = Refusals(clock: clock, logger: logger)
        let readiness = ReadinessCache(clock: clock, ask: readiness)
        handler = CallbackHandler(
            settings: settings,
            intake: Intake(
                inbox: inbox,
                reader: reader,
                traces: traces,
                watch: CommitWatch(limit: settings.commitDeadline),
                quota: quota,
                accounts: settings.endpoints.map(\.account),
                readiness: readiness,
                clock: clock,
                refusals: refusals,
                logger: logger
            ),
            readiness: readiness,
            clock: clock,
            refusals: refusals,
            logger: logger
        )
    }

    /// How long it takes at most until a connection that was accepted is set up.
    private static let settling = TimeAmount.milliseconds(100)

    /// Listens until a graceful shutdown has let open requests finish, or until the task is cancelled.
    ///
    /// - Throws: `ListenerError` where the address cannot be used.
    package func run() async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        let connections = OpenConnections(limit: settings.maximumConnections, eventLoop: group.next())
        let door = try await open(bootstrap(on: group, connections))
        listening(on: door)
        try await withTaskCancellationHandler {
            try await withGracefulShutdownHandler {
                try await door.closeFuture.get()
                try await connections.waitUntilEmpty()
            } onGracefulShutdown: {
                // A connection that is accepted while the endpoint closes would be thrown away. So nothing more is accepted
                // at first, what was accepted is set up, and what waits in the system's queue stays there for who listens
                // on the same socket next.
                door.setOption(.autoRead, value: false)
                    .whenComplete { _ in
                        door.eventLoop.scheduleTask(in: Self.settling) {
                            door.close(promise: nil)
                            connections.quiesce()
                        }
                    }
            }
        } onCancel: {
            door.close(promise: nil)
            connections.close()
        }
    }

    /// The channel that accepts connections.
    ///
    /// - Throws: `ListenerError`.
    private func open(_ bootstrap: ServerBootstrap) async throws -> any Channel {
        do {
            if let socket = settings.socket { return try await bootstrap.withBoundSocket(socket).get() }
            return try await bootstrap.bind(host: settings.host, port: settings.port).get()
        } catch {
            let error = NetworkError(error)
            throw ListenerError.cannotListen(
                host: settings.host,
                port: settings.port,
                code: error.code,
                reason: error.cause
            )
        }
    }

    private func bootstrap(on group: MultiThreadedEventLoopGroup, _ connections: OpenConnections) -> ServerBootstrap {
        let (handler, certificate) = (handler, settings.certificate)
        return ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1_024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            // One at a time, so that never one more is accepted than there may be.
            .serverChannelOption(.maxMessagesPerRead, value: 1)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(ConnectionGate(connections))
                }
            }
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handlers = channel.pipeline.syncOperations
                    if let certificate {
                        // The one of the moment in which the connection begins.
                        try handlers.addHandler(NIOSSLServerHandler(context: certificate.context))
                    }
                    let decoder = HTTPRequestDecoder(limitConfiguration: Self.limits)
                    try handlers.addHandler(ByteToMessageHandler(decoder))
                    try handlers.addHandler(CallbackConnection(handler: handler, isStopping: connections.isEnding))
                }
            }
    }

    private static var limits: NIOHTTPDecoderLimitConfiguration {
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = 8 << 10
        limits.maxHeaderListSize = 64 << 10
        limits.maxHeaderFieldCount = 64
        return limits
    }

    private func listening(on channel: any Channel) {
        let port = channel.localAddress?.port ?? settings.port
        let host = settings.socket == nil ? settings.host : channel.localAddress?.ipAddress ?? settings.host
        logger.info(
            "Listening",
            metadata: [
                "host": "\(host)", "port": "\(port)",
                "path": "\(settings.endpoints.map(\.path).joined(separator: ", "))",
                "scheme": "\(settings.certificate == nil ? "http" : "https")",
            ]
        )
        onListening(port)
    }
}
