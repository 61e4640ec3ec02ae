package import CountersignOperations
import Foundation
import Hummingbird
import HummingbirdCore
package import Logging
import ServiceLifecycle

/// Serves the JSON API to commands on the same machine, over a Unix socket that only the owner may open.
///
/// While a server runs no other process writes its store; what a command wants changed goes through here.
package struct ControlServer: Service {
    private let path: String
    private let connections: Int
    private let operations: Operations
    private let logger: Logger
    private let activity: Logger
    private let onListening: @Sendable () -> Void

    /// A server at `path`, which may have `ControlSocket.longestPath` bytes at most.
    ///
    /// - Parameters:
    ///   - path: The path of the socket.
    ///   - connections: How many may be open; further ones wait in the system's queue.
    ///   - operations: What commands look at and order.
    ///   - logger: Where its problems are reported.
    ///   - activity: Where what commands change is reported.
    ///   - onListening: Called once, when commands are heard.
    package init(
        path: String,
        connections: Int,
        operations: Operations,
        logger: Logger,
        activity: Logger,
        onListening: @escaping @Sendable () -> Void = {}
    ) {
        self.path = path
        self.connections = connections
        self.operations = operations
        self.logger = logger
        self.activity = activity
        self.onListening = onListening
    }

    /// Serves until graceful shutdown; replaces a socket that a killed server left, and removes its own at the end.
    ///
    /// - Throws: An error of the system where the socket cannot be bound.
    package func run() async throws {
        // A socket that a killed server left behind; the store's lock says that no other server is alive.
        unlink(path)
        let router = Router(context: AdminContext.self, options: .autoGenerateHeadEndpoints)
        router.add(middleware: OwnerAccess())
        router.add(middleware: ActivityLog(logger: activity))
        APIRoutes(operations).add(to: router)
        RefusedMethods.add(to: router)
        let (path, onListening) = (path, onListening)
        let application = Application(
            router: router,
            server: .http1(configuration: .init(idleTimeout: .seconds(60))),
            configuration: .init(
                address: .unixDomainSocket(path: path),
                availableConnectionsDelegate: MaximumAvailableConnections(connections)
            ),
            onServerRunning: { _ in
                chmod(path, 0o600)
                onListening()
            },
            logger: logger
        )
        defer { unlink(path) }
        try await application.run()
    }
}

/// Notes that whoever reaches the control socket is the owner of the store.
private struct OwnerAccess: RouterMiddleware {
    func handle(
        _ request: Request,
        context: AdminContext,
        next: @concurrent (Request, AdminContext) async throws -> Response
    ) async throws -> Response {
        context.identity = .owner
        return try await next(request, context)
    }
}
