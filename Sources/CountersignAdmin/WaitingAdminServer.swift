package import CountersignCore
package import CountersignObservability
import HTTPTypes
import Hummingbird
package import Logging
import NIOCore
import ServiceLifecycle

/// What operators and their tools see while the program waits for its store: metrics, and a page that says so.
///
/// All else needs the store. `AdminServer` takes its place once that is open.
package struct WaitingAdminServer: Service {
    private static let sentence =
        "The store cannot be opened yet. Callbacks are accepted and kept in the spool until it can; the log of the server "
        + "tells the reason."

    private let listener: AdminListener
    private let access: AdminAccess
    private let registry: PrometheusRegistry
    private let collect: @Sendable () -> Void
    private let clock: any WallClock

    /// - Parameters:
    ///   - host: An address of this machine.
    ///   - port: 0 for any that is free.
    ///   - connections: How many may be open; further ones wait in the system's queue.
    ///   - access: Who may look.
    ///   - registry: What was counted.
    ///   - collect: Called before numbers are reported, to look up those that nobody counts.
    ///   - clock: Tells how long somebody who guesses tokens waits.
    ///   - logger: Where its beginning and its problems are reported.
    package init(
        host: String,
        port: Int,
        connections: Int,
        access: AdminAccess,
        registry: PrometheusRegistry,
        collect: @escaping @Sendable () -> Void,
        clock: any WallClock,
        logger: Logger
    ) {
        listener = AdminListener(host: host, port: port, connections: connections, logger: logger)
        self.access = access
        self.registry = registry
        self.collect = collect
        self.clock = clock
    }

    /// Serves until graceful shutdown; where it cannot listen, it logs the error and waits for the shutdown.
    package func run() async throws {
        let router = Router(context: AdminContext.self, options: .autoGenerateHeadEndpoints)
        let guesses = TokenThrottle(clock: clock, logger: listener.logger)
        router.add(middleware: AdminGate(access: access, guesses: guesses, clock: clock))
        let (registry, collect) = (registry, collect)
        router.get("/metrics") { request, _ in
            collect()
            return registry.answer(request)
        }
        router.get("/assets/style.css") { _, _ in PageRoutes.styleSheet }
        let page = try Templates()
            .html(
                Page(
                    "Waiting for the store",
                    navigation: [],
                    canSignOut: false,
                    page: WaitingView(text: Self.sentence)
                ),
                template: "waiting"
            )
        for method in [HTTPRequest.Method.get, .post, .put, .patch, .delete] {
            for path in ["/", "/**"] {
                router.on(RouterPath(path), method: method) { request, _ in
                    Self.refusal(of: request, page ?? Self.sentence)
                }
            }
        }
        try await listener.serve(router)
    }

    private static func refusal(of request: Request, _ page: String) -> Response {
        let isProgram = request.uri.path.hasPrefix("/api/")
        let text = isProgram ? (["error": "the store cannot be opened yet"] as JSON).text : page
        return Response(
            status: .serviceUnavailable,
            headers: [
                .contentType: isProgram ? "application/json" : "text/html; charset=utf-8", .retryAfter: "2",
            ],
            body: .init(byteBuffer: ByteBuffer(string: text))
        )
    }
}
