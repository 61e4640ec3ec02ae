import CountersignObservability
import CountersignOutbound
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import ServiceLifecycle

/// Where operators and their tools reach the program; it has a listener of its own, so that who may send callbacks sees
/// nothing of it.
struct AdminListener: Sendable {
    let host: String

    /// 0 for any that is free.
    let port: Int

    /// How many connections may be open; further ones wait in the system's queue.
    let connections: Int
    let logger: Logger

    /// Serves until graceful shutdown; where it cannot listen, it logs the error and waits for the shutdown.
    ///
    /// Callbacks come first, so the program goes on without it.
    func serve(_ router: Router<AdminContext>) async throws {
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .warning)
        let (logger, host) = (logger, host)
        let application = Application(
            router: router,
            server: .http1(configuration: .init(idleTimeout: .seconds(60))),
            configuration: .init(
                address: .hostname(host, port: port),
                availableConnectionsDelegate: MaximumAvailableConnections(connections)
            ),
            onServerRunning: { channel in
                // A channel that was closed at once, as the program could not start, has no address any more.
                guard let port = channel.localAddress?.port else { return }
                let name = host.contains(":") ? "[\(host)]" : host
                logger.info("Admin server started", metadata: ["url": "http://\(name):\(port)/"])
            },
            logger: quiet
        )
        do {
            try await application.run()
        } catch {
            logger.error(
                "Admin server cannot start, see 'admin.listen'",
                metadata: ["host": "\(host)", "port": "\(port)", "reason": "\(NetworkError(error).cause)"]
            )
            // Its end must not end the others.
            try? await gracefulShutdown()
        }
    }
}

extension PrometheusRegistry {
    /// Answers with what was counted, in the format that the request asks for.
    func answer(_ request: Request) -> Response {
        let wantsOpenMetrics = request.headers[.accept]?.contains("application/openmetrics-text") ?? false
        let format = wantsOpenMetrics ? PrometheusRegistry.Format.openMetrics : .text
        return Response(
            status: .ok,
            headers: [.contentType: format.contentType],
            body: .init(byteBuffer: ByteBuffer(string: exposition(format)))
        )
    }
}
