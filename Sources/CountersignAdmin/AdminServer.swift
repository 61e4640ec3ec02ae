import CountersignCore
package import CountersignObservability
package import CountersignOperations
import Hummingbird
package import Logging
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
        let listener = AdminListener(host: host, port: port, connections: connections, logger: logger)
        try await listener.serve(try router())
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
            return registry.answer(request)
        }
        RefusedMethods.add(to: router)
        return router
    }
}
