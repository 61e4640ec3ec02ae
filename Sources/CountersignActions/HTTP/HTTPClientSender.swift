package import AsyncHTTPClient
import CountersignModel
import NIOCore
import NIOHTTP1
import NIOPosix
import SystemPackage

/// Requests through AsyncHTTPClient.
package struct HTTPClientSender: HTTPSending {
    /// How much of an answer's body is kept.
    package static let keptBytes = 64 * 1_024

    private let client: HTTPClient
    private let userAgent: String

    /// - Parameters:
    ///   - client: Made with `configuration`; who makes it shuts it down.
    ///   - userAgent: Sent where a request names none, such as `Countersign/1.0`.
    package init(client: HTTPClient, userAgent: String) {
        self.client = client
        self.userAgent = userAgent
    }

    /// The settings that the client must have: no redirects, and one try at a connection.
    package static var configuration: HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow,
            timeout: .init(connect: .seconds(10))
        )
        // Trying again is the step's business, which does it with a backoff and writes it down.
        configuration.connectionPool.retryConnectionEstablishment = false
        return configuration
    }

    package func send(_ request: OutgoingRequest) async throws(ExchangeError) -> IncomingAnswer {
        do {
            // The step's timeout cancels the task; this bound is only there because one must be.
            let response = try await client.execute(httpRequest(for: request), timeout: .hours(24))
            return try await answer(from: response)
        } catch {
            throw Self.error(for: error)
        }
    }

    private func httpRequest(for request: OutgoingRequest) -> HTTPClientRequest {
        var outgoing = HTTPClientRequest(url: request.url)
        outgoing.method = HTTPMethod(rawValue: request.method)
        for header in request.headers { outgoing.headers.add(name: header.name, value: header.value) }
        if !outgoing.headers.contains(name: "User-Agent") { outgoing.headers.add(name: "User-Agent", value: userAgent) }
        if let body = request.body { outgoing.body = .bytes(body) }
        return outgoing
    }

    private func answer(from response: HTTPClientResponse) async throws -> IncomingAnswer {
        var body: [UInt8] = []
        // One byte more than is kept tells whether something is missing; the rest is not read.
        for try await part in response.body {
            body += part.readableBytesView.prefix(Self.keptBytes + 1 - body.count)
            if body.count > Self.keptBytes { break }
        }
        return IncomingAnswer(
            status: Int(response.status.code),
            headers: response.headers.map { .init($0.name.lowercased(), $0.value) },
            body: Array(body.prefix(Self.keptBytes)),
            isCut: body.count > Self.keptBytes
        )
    }

    private static func error(for error: any Error) -> ExchangeError {
        switch error {
        case is CancellationError: return ExchangeError("the exchange was ended before it was done")
        case let error as HTTPClientError:
            switch error {
            case .cancelled: return ExchangeError("the exchange was ended before it was done")
            case .connectTimeout: return ExchangeError("no connection within 10 seconds")
            case .remoteConnectionClosed: return ExchangeError("the connection was closed before the answer was whole")
            default: return ExchangeError(error.shortDescription.lowercased(), isPassing: !error.blamesRequest)
            }
        case let error as NIOConnectionError:
            if error.dnsAError != nil, error.connectionErrors.isEmpty {
                return ExchangeError("its name cannot be resolved")
            }
            let cause = error.connectionErrors.first.flatMap { $0.error as? IOError }
            return ExchangeError("no connection: \(cause.map(\.shortReason) ?? "the reason is not known")")
        case let error as IOError:
            let isRefusal = [.connectionRefused, .noRouteToHost, .networkUnreachable].contains(error.number)
            return ExchangeError("\(isRefusal ? "no connection" : "the connection broke"): \(error.shortReason)")
        case is HTTPParserError: return ExchangeError("its answer is not understood as HTTP")
        case let error as ChannelError:
            if case .connectTimeout = error { return ExchangeError("no connection within 10 seconds") }
            return ExchangeError("the connection broke: \(error)")
        default: return ExchangeError("the exchange failed: \(error)")
        }
    }
}

extension HTTPClientError {
    /// Whether the request itself is at fault, so that sending it again is no use.
    fileprivate var blamesRequest: Bool {
        switch self {
        case .invalidURL, .emptyHost, .emptyScheme: true
        default: false
        }
    }
}

extension IOError {
    fileprivate var number: Errno { Errno(rawValue: errnoCode) }
    fileprivate var shortReason: String { number.description.lowercased() }
}
