package import CountersignModel
package import CountersignStore
import Foundation
import HummingbirdCore
package import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle

/// The server that takes in callbacks, and tells whether the program lives and is ready.
///
/// On a graceful shutdown it accepts nothing more, answers the requests under way and returns.
package struct CallbackServer: Service {
    private let settings: ListenerSettings
    private let responder: CallbackResponder
    private let refusals: Refusals
    private let logger: Logger
    private let onListening: @Sendable (Int) -> Void

    /// - Parameters:
    ///   - settings: Where to listen and how much to put up with.
    ///   - inbox: What stores events; 200 is answered only after it did.
    ///   - reader: What knows the keys and the bodies of the vendor.
    ///   - readiness: How things stand; asked once a second at most.
    ///   - clock: The time at which events are received.
    ///   - logger: Where refusals and failures are told.
    ///   - onListening: Called once with the port when connections are accepted.
    package init(
        settings: ListenerSettings,
        inbox: any Inbox,
        reader: any CallbackReader,
        readiness: @escaping @Sendable () async -> Readiness,
        clock: any WallClock,
        logger: Logger,
        onListening: @escaping @Sendable (Int) -> Void = { _ in }
    ) {
        self.settings = settings
        self.logger = logger
        self.onListening = onListening
        let refusals = Refusals(clock: clock, logger: logger)
        self.refusals = refusals
        let readiness = ReadinessCache(clock: clock, ask: readiness)
        responder = CallbackResponder(
            settings: settings,
            intake: Intake(
                inbox: inbox,
                reader: reader,
                watch: CommitWatch(limit: settings.commitDeadline),
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

    package func run() async throws {
        // The library tells of its own start and stop; those lines are ours.
        var libraryLogger = logger
        libraryLogger.logLevel = max(logger.logLevel, .warning)
        let responder = responder
        do {
            let server =
                try builder
                .buildServer(
                    configuration: ServerConfiguration(
                        address: .hostname(settings.host, port: settings.port),
                        backlog: 1_024,
                        availableConnectionsDelegate: MaximumAvailableConnections(
                            settings.maximumConnections,
                            logger: libraryLogger
                        )
                    ),
                    eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
                    logger: libraryLogger,
                    responder: { request, writer, channel in
                        try await responder.respond(to: request, with: writer, on: channel)
                    },
                    onServerRunning: { channel in listening(on: channel) }
                )
            try await server.run()
        } catch let error as CancellationError {
            throw error
        } catch {
            let reason = (error as? IOError).map { String(cString: strerror($0.errnoCode)) } ?? "\(error)"
            throw ListenerError.cannotListen(host: settings.host, port: settings.port, reason: reason)
        }
    }

    private var builder: HTTPServerBuilder {
        let (configuration, certificate) = (channelConfiguration, settings.certificate)
        return HTTPServerBuilder { responder in
            DoorChannel(
                inner: HTTP1Channel(responder: responder, configuration: configuration),
                certificate: certificate
            )
        }
    }

    private func listening(on channel: any Channel) {
        let port = channel.localAddress?.port ?? settings.port
        logger.info(
            "Listening",
            metadata: [
                "host": "\(settings.host)", "port": "\(port)", "path": "\(settings.callbackPath)",
                "scheme": "\(settings.certificate == nil ? "http" : "https")",
            ]
        )
        onListening(port)
    }

    private var channelConfiguration: HTTP1Channel.Configuration {
        let (settings, refusals, logger) = (settings, refusals, logger)
        return HTTP1Channel.Configuration(
            additionalChannelHandlers: [
                ConnectionGuard(
                    requestDeadline: TimeAmount(settings.requestDeadline),
                    answerDeadline: TimeAmount(settings.commitDeadline),
                    refusals: refusals,
                    logger: logger
                )
            ],
            idleTimeout: TimeAmount(settings.idleTimeout),
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: 8 << 10,
                maxHeaderListSize: 64 << 10,
                maxHeaderFieldCount: 64
            )
        )
    }
}
