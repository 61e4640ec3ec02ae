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
    private let ledger: any Ledger
    private let clock: any WallClock
    private let logger: Logger

    /// A server at `path`, which may have `longestPath` bytes at most.
    package init(path: String, ledger: any Ledger, clock: any WallClock, logger: Logger) {
        self.path = path
        self.ledger = ledger
        self.clock = clock
        self.logger = logger
    }

    /// The longest path that a Unix socket can have, in bytes (`sun_path`, unix(7)).
    package static let longestPath = 107

    package func run() async throws {
        // A socket that a killed server left behind; the store's lock says that no other server is alive.
        unlink(path)
        let router = Router()
        router.post("/runs/:id/retry") { _, context in
            await change(context) { try await ledger.retry($0, at: clock.now) }
        }
        router.post("/runs/:id/drop") { _, context in
            await change(context) { try await ledger.drop($0, at: clock.now) }
        }
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

    private func change(
        _ context: some RequestContext,
        _ work: (Run.ID) async throws -> Void
    ) async -> ControlAnswer {
        guard let text = context.parameters.get("id"), let id = Int64(text) else {
            return ControlAnswer(status: .badRequest, error: "a run is named by its number")
        }
        do {
            try await work(Run.ID(rawValue: id))
            return ControlAnswer(status: .ok, error: nil)
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

/// The answer to an order: nothing, or the sentence that says why not.
private struct ControlAnswer: ResponseGenerator {
    let status: HTTPResponse.Status
    let error: String?

    func response(from request: Request, context: some RequestContext) -> Response {
        let body: JSON = ["error": JSON(error)]
        return Response(
            status: status,
            headers: [.contentType: "application/json"],
            body: .init(byteBuffer: ByteBuffer(bytes: error == nil ? Array("{}".utf8) : body.bytes))
        )
    }
}
