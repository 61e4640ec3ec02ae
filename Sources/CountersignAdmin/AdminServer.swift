import CountersignCore
package import CountersignObservability
package import CountersignOperations
import CountersignOutbound
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
package import Logging
import NIOCore
import ServiceLifecycle

/// What operators and their tools ask the program: pages, the JSON API, metrics.
///
/// It has a listener of its own, so that who may send callbacks sees nothing of it. Where it cannot listen, the program
/// goes on: callbacks come first.
package struct AdminServer: Service {
    private let host: String
    private let port: Int
    private let connections: Int
    private let access: AdminAccess
    private let operations: Operations
    private let registry: PrometheusRegistry
    private let collect: @Sendable () async -> Void
    private let logger: Logger

    /// - Parameters:
    ///   - host: An address of this machine.
    ///   - port: 0 for any that is free.
    ///   - connections: How many may be open; further ones wait in the system's queue.
    ///   - access: Who may look and order.
    ///   - operations: What they look at and order.
    ///   - registry: What was counted.
    ///   - collect: Called before numbers are reported, to look up those that nobody counts.
    ///   - logger: Where its beginning and its problems are reported.
    package init(
        host: String,
        port: Int,
        connections: Int,
        access: AdminAccess,
        operations: Operations,
        registry: PrometheusRegistry,
        collect: @escaping @Sendable () async -> Void,
        logger: Logger
    ) {
        self.host = host
        self.port = port
        self.connections = connections
        self.access = access
        self.operations = operations
        self.registry = registry
        self.collect = collect
        self.logger = logger
    }

    /// Serves until graceful shutdown; where it cannot listen, it logs the error and waits for the shutdown.
    package func run() async throws {
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .warning)
        let (logger, host) = (logger, host)
        let application = Application(
            router: try router(),
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

    private func router() throws -> Router<AdminContext> {
        let router = Router(context: AdminContext.self, options: .autoGenerateHeadEndpoints)
        let guesses = TokenThrottle(clock: operations.clock, logger: logger)
        router.add(middleware: AnsweringInstance(name: operations.sharingInstance))
        router.add(middleware: ActivityLog(logger: logger))
        router.add(middleware: AdminGate(access: access, guesses: guesses, clock: operations.clock))
        APIRoutes(operations).add(to: router)
        try PageRoutes(operations, access, guesses).add(to: router)
        LiveRoute(operations: operations).add(to: router)
        let (registry, collect) = (registry, collect)
        router.get("/metrics") { request, _ in
            await collect()
            let wantsOpenMetrics = request.headers[.accept]?.contains("application/openmetrics-text") ?? false
            let format = wantsOpenMetrics ? PrometheusRegistry.Format.openMetrics : .text
            return Response(
                status: .ok,
                headers: [.contentType: format.contentType],
                body: .init(byteBuffer: ByteBuffer(string: registry.exposition(format)))
            )
        }
        RefusedMethods.add(to: router)
        return router
    }
}
