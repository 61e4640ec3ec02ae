import AsyncHTTPClient
import CountersignActions
import CountersignCore
import CountersignOperations
import CountersignOutbound
import CountersignServer
import CountersignStore
import Foundation
import NIOCore
import NIOHTTP1
import NIOSSL
import Synchronization

/// Takes calls to a server by HTTP: over its Unix socket on this machine, or to a URL.
struct HTTPTransport: ServerTransport {
    /// The largest answer that is read, in bytes.
    private static let largestAnswer = 64 << 20

    private enum Place {
        case socket(String)
        case url(ServerURL, token: String?)
    }

    /// The instance that answered last, where others share its store.
    let answering = LastAnswer()

    private let place: Place
    private let tls: TLSConfiguration?
    private let client: HTTPClient

    /// To the server that listens on the Unix socket at `path`.
    init(socket path: String, client: HTTPClient) {
        place = .socket(path)
        tls = nil
        self.client = client
    }

    /// To the server at a URL; `tls` where other authorities than the system's are trusted as well.
    init(_ url: ServerURL, token: String?, tls: TLSConfiguration?, client: HTTPClient) {
        place = .url(url, token: token)
        self.tls = tls
        self.client = client
    }

    func answer(to call: ServerCall) async throws(OperationError) -> [UInt8] {
        let request = try request(for: call)
        do {
            let (head, body) = try await execute(request, of: call)
            answering.note(head.headers.first(name: ServerCall.instanceHeader))
            let status = head.status
            guard status != .ok else { return body }
            throw refusal(status, body)
        } catch let error as OperationError {
            throw error
        } catch {
            throw OperationError(.unavailable, silence(NetworkError(error).cause))
        }
    }

    private func request(for call: ServerCall) throws(OperationError) -> HTTPClientRequest {
        let target = "/api/v1" + call.target
        var request: HTTPClientRequest
        switch place {
        case .socket(let path):
            guard let url = URL(httpURLWithSocketPath: path, uri: target) else {
                throw OperationError(.invalid, "'\(path)' is not a socket path")
            }
            request = HTTPClientRequest(url: url.absoluteString)
        case .url(let url, let token):
            request = HTTPClientRequest(url: url.text + target)
            if let token { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
        }
        request.method = HTTPMethod(rawValue: call.method.rawValue)
        if let token = call.token { request.headers.add(name: "Idempotency-Key", value: token.text) }
        if !call.body.isEmpty {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: call.body))
        }
        return request
    }

    /// Sends the request, and once more where the connection broke and it cannot be known whether it arrived.
    private func execute(
        _ request: HTTPClientRequest,
        of call: ServerCall
    ) async throws -> (HTTPClientResponse, [UInt8]) {
        do {
            return try await execute(request, within: call.limit)
        } catch  where call.mayBeRepeated && [.reset, .closedEarly].contains(NetworkError(error).kind) {
            return try await execute(request, within: call.limit)
        }
    }

    private func execute(
        _ request: HTTPClientRequest,
        within limit: Duration
    ) async throws -> (HTTPClientResponse, [UInt8]) {
        let bound = TimeAmount.milliseconds(Int64(limit.timeInterval * 1_000))
        guard let tls else { return try await Self.execute(request, by: client, within: bound) }
        var configuration = OutgoingClients.configuration
        configuration.tlsConfiguration = tls
        let own = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        do {
            let answer = try await Self.execute(request, by: own, within: bound)
            try? await own.shutdown()
            return answer
        } catch {
            try? await own.shutdown()
            throw error
        }
    }

    private static func execute(
        _ request: HTTPClientRequest,
        by client: HTTPClient,
        within bound: TimeAmount
    ) async throws -> (HTTPClientResponse, [UInt8]) {
        let answer = try await client.execute(request, timeout: bound)
        let body = try await answer.body.collect(upTo: largestAnswer)
        return (answer, Array(body.readableBytesView))
    }

    /// Why a server that answered did not do what it was asked for.
    private func refusal(_ status: HTTPResponseStatus, _ body: [UInt8]) -> OperationError {
        if case .url(let url, let token) = place, status == .unauthorized || status == .forbidden {
            let hint =
                token == nil
                ? "it requires a token: set \(Settings.clientTokenName), or give --token-file"
                : "it does not accept the token"
            return OperationError(.unavailable, "the server at '\(url.text)' answered \(status.code): \(hint)")
        }
        let sentence = (try? JSON(parsing: body, limits: JSON.Limits()))?["error"]?.string
        let kind: OperationError.Kind =
            switch status {
            case .badRequest, .payloadTooLarge: .invalid
            case .notFound: .notFound
            case .conflict: .conflict
            case .badGateway: .noAnswer
            default: .unavailable
            }
        guard let sentence else {
            let name =
                switch place {
                case .socket: "the server"
                case .url(let url, _): "'\(url.text)'"
                }
            return OperationError(
                kind,
                "\(name) answered \(status.code), and not as Countersign does: is it the URL of the admin pages?"
            )
        }
        return OperationError(kind, sentence)
    }

    private func silence(_ reason: String) -> String {
        switch place {
        case .socket(let path):
            "the running server does not respond at '\(path)' (\(reason)); is 'countersign serve' running?"
        case .url(let url, _): "the server at '\(url.text)' does not respond: \(reason)"
        }
    }
}

/// Which instance answered last.
final class LastAnswer: Sendable {
    private let state = Mutex<(name: String?, isTaken: Bool)>((nil, false))

    /// Its name, for who asks first; nil for others, and where it does not say one.
    func takeInstance() -> String? {
        state.withLock { state in
            defer { state.isTaken = true }
            return state.isTaken ? nil : state.name
        }
    }

    func note(_ instance: String?) { state.withLock { $0.name = instance } }
}
