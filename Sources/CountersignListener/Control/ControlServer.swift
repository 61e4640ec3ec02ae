package import CountersignModel
package import CountersignStore
import Foundation
import HTTPTypes
import Hummingbird
package import Logging
import NIOCore
import ServiceLifecycle

/// Takes orders from commands on the same machine, over a Unix socket that only the owner may open.
///
/// While a server runs no other process writes its store; what a command wants changed goes through here.
package struct ControlServer: Service {
    private let path: String
    private let store: any Inbox & Ledger
    private let reader: any CallbackReader
    private let replayEvents: @Sendable (ReplayOrder) async throws -> [ReplayedRun]
    private let pollPackages: (@Sendable (JSON) async throws -> JSON)?
    private let state: @Sendable () async throws -> JSON
    private let clock: any WallClock
    private let logger: Logger

    /// A server at `path`, which may have `longestPath` bytes at most.
    ///
    /// - Parameters:
    ///   - path: The path of the socket.
    ///   - store: What orders change.
    ///   - reader: Reads the events that are handed in.
    ///   - replay: Judges events once more by the rules in force.
    ///   - poll: Asks the vendor what no callback told, and gives a report; nil where that is not set up.
    ///   - state: What the server runs with.
    ///   - clock: The time at which orders are carried out.
    ///   - logger: Where orders that fail are told.
    package init(
        path: String,
        store: any Inbox & Ledger,
        reader: any CallbackReader,
        replay: @escaping @Sendable (ReplayOrder) async throws -> [ReplayedRun],
        poll: (@Sendable (JSON) async throws -> JSON)? = nil,
        state: @escaping @Sendable () async throws -> JSON,
        clock: any WallClock,
        logger: Logger
    ) {
        self.path = path
        self.store = store
        self.reader = reader
        replayEvents = replay
        pollPackages = poll
        self.state = state
        self.clock = clock
        self.logger = logger
    }

    /// The longest path that a Unix socket can have, in bytes (`sun_path`, unix(7)).
    package static let longestPath = 107

    package func run() async throws {
        // A socket that a killed server left behind; the store's lock says that no other server is alive.
        unlink(path)
        let router = Router()
        router.post("/runs/:id/retry") { request, context in
            let step = request.uri.queryParameters["from"].map(String.init)
            return await change(context) { try await store.retry($0, from: step, at: clock.now) }
        }
        router.post("/runs/:id/drop") { _, context in
            await change(context) { try await store.drop($0, at: clock.now) }
        }
        router.post("/replay") { request, _ in await replay(request) }
        if let pollPackages {
            router.post("/poll") { request, _ in await poll(request, pollPackages) }
        }
        router.get("/state") { _, _ in await tellState() }
        router.post("/events") { request, _ in await takeIn(request) }
        let path = path
        let application = Application(
            router: router,
            configuration: .init(address: .unixDomainSocket(path: path)),
            onServerRunning: { _ in chmod(path, 0o600) },
            logger: logger
        )
        defer { unlink(path) }
        try await application.run()
    }

    /// The most bytes that an event which a person hands in may have.
    package static let largestEvent = 16 << 20

    /// Stores an event that a person hands in.
    private func takeIn(_ request: Request) async -> ControlAnswer {
        do {
            let body = try await request.body.collect(upTo: Self.largestEvent)
            let delivery = try reader.read(Array(body.readableBytesView), origin: .manual)
            let receipt = try await store.append(delivery, at: clock.now)
            return ControlAnswer(status: .ok, body: receipt.json)
        } catch let error as UnreadableBody {
            return ControlAnswer(status: .badRequest, error: error.reason)
        } catch {
            return ControlAnswer(status: .serviceUnavailable, error: "\(error)")
        }
    }

    private func poll(_ request: Request, _ work: (JSON) async throws -> JSON) async -> ControlAnswer {
        do {
            let body = try await request.body.collect(upTo: 1 << 16)
            return ControlAnswer(status: .ok, body: try await work(try JSON(parsing: body.readableBytesView)))
        } catch {
            return ControlAnswer(status: .badGateway, error: "\(error)")
        }
    }

    private func tellState() async -> ControlAnswer {
        do {
            return ControlAnswer(status: .ok, body: try await state())
        } catch {
            return ControlAnswer(status: .serviceUnavailable, error: "\(error)")
        }
    }

    /// Judges events once more.
    private func replay(_ request: Request) async -> ControlAnswer {
        do {
            let body = try await request.body.collect(upTo: 1 << 20)
            guard let order = ReplayOrder(json: try JSON(parsing: body.readableBytesView)) else {
                return ControlAnswer(status: .badRequest, error: "the order is not understood; update both sides")
            }
            return ControlAnswer(status: .ok, body: .array(try await replayEvents(order).map(\.json)))
        } catch {
            return ControlAnswer(status: error is StoreError ? .serviceUnavailable : .conflict, error: "\(error)")
        }
    }

    private func change(
        _ context: some RequestContext,
        _ work: (Run.ID) async throws -> Void
    ) async -> ControlAnswer {
        guard let text = context.parameters.get("id"), let id = Int64(text) else {
            return ControlAnswer(status: .badRequest, error: "a run is named by its number")
        }
        do {
            try await work(Run.ID(rawValue: id))
            return ControlAnswer(status: .ok, body: [:])
        } catch let error as StoreError {
            switch error {
            case .noSuchRun: return ControlAnswer(status: .notFound, error: "\(error)")
            case .wrongState: return ControlAnswer(status: .conflict, error: "\(error)")
            default: return ControlAnswer(status: .serviceUnavailable, error: "\(error)")
            }
        } catch {
            logger.error("An order could not be carried out", metadata: ["error": "\(error)"])
            return ControlAnswer(status: .internalServerError, error: "\(error)")
        }
    }
}

/// The answer to an order: what came of it, or the sentence that says why nothing did.
private struct ControlAnswer: ResponseGenerator {
    let status: HTTPResponse.Status
    let body: JSON

    init(status: HTTPResponse.Status, body: JSON) {
        self.status = status
        self.body = body
    }

    init(status: HTTPResponse.Status, error: String) {
        self.init(status: status, body: ["error": .string(error)])
    }

    func response(from request: Request, context: some RequestContext) -> Response {
        Response(
            status: status,
            headers: [.contentType: "application/json"],
            body: .init(byteBuffer: ByteBuffer(bytes: body.bytes))
        )
    }
}
