import AsyncHTTPClient
package import CountersignCore
import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
package import NIOSSL
import SystemPackage

/// Requests through AsyncHTTPClient, to addresses that a policy lets through.
///
/// A name is resolved for each request, the address itself is evaluated, and the connection goes to that very address:
/// what the name leads to a moment later does not matter.
package struct HTTPClientSender: HTTPSending {
    /// How much of an answer's body is kept.
    package static let keptBytes = 64 * 1_024

    private let clients: OutgoingClients
    private let addresses: ReachableAddresses
    private let tls: TLSConfiguration?
    private let userAgent: String

    /// - Parameters:
    ///   - clients: Whoever makes them shuts them down.
    ///   - policy: Says which addresses may be reached.
    ///   - resolver: Looks names up.
    ///   - tls: What certificates are checked against; nil for the system's authorities.
    ///   - userAgent: Sent where a request names none, such as `Countersign/1.0`.
    package init(
        clients: OutgoingClients,
        policy: OutgoingPolicy = OutgoingPolicy(),
        resolver: any NameResolving = SystemResolver(),
        tls: TLSConfiguration? = nil,
        userAgent: String
    ) {
        self.clients = clients
        addresses = ReachableAddresses(policy: policy, resolver: resolver)
        self.tls = tls
        self.userAgent = userAgent
    }

    /// Sends the request to the first address of the host that accepts a connection and that the policy allows.
    ///
    /// - Throws: `ExchangeError` where no answer arrives in time; it is not passing where the policy allows none of
    ///   the addresses.
    package func send(
        _ request: OutgoingRequest,
        to receiver: (any BodyReceiving)?
    ) async throws(ExchangeError) -> IncomingAnswer {
        guard let timeout = request.timeout else { return try await exchange(request, to: receiver) }
        let first = await withTaskGroup(of: Result<IncomingAnswer, ExchangeError>?.self) { group in
            group.addTask {
                do throws(ExchangeError) {
                    return .success(try await exchange(request, to: receiver))
                } catch {
                    return .failure(error)
                }
            }
            group.addTask {
                try? await Task.sleep(for: timeout)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            return first
        }
        guard let first else {
            throw ExchangeError(
                Task.isCancelled ? "the request was canceled before it finished" : "no answer within \(timeout.text)"
            )
        }
        return try first.get()
    }

    private func exchange(
        _ request: OutgoingRequest,
        to receiver: (any BodyReceiving)?
    ) async throws(ExchangeError) -> IncomingAnswer {
        let host: String
        do throws(StepFailure) {
            host = try RequestURL(request.url, source: request.url).host
        } catch {
            throw ExchangeError("it cannot be sent: the URL is refused", isPassing: false)
        }
        var lastFailure: ExchangeError?
        for address in try await addresses.all(of: host) {
            do {
                return try await exchange(request, to: receiver, with: host, at: address)
            } catch let error where Self.isBeforeSending(error) {
                // Nothing was sent yet; a name with several addresses has them for this.
                lastFailure = Self.error(for: error)
            } catch {
                throw Self.error(for: error)
            }
        }
        throw lastFailure ?? ExchangeError("its name has no address")
    }

    private func exchange(
        _ request: OutgoingRequest,
        to receiver: (any BodyReceiving)?,
        with host: String,
        at address: IPAddress
    ) async throws -> IncomingAnswer {
        let first = try await clients.with(host: host, at: address) { client, mayBeKept -> IncomingAnswer? in
            let response: HTTPClientResponse
            do {
                // The step's timeout cancels the task; this bound is only there because one must be.
                response = try await client.execute(httpRequest(for: request), timeout: .hours(24))
            } catch let error where mayBeKept && Self.isLostConnection(error) {
                return nil
            }
            return try await answer(from: response, to: receiver)
        }
        if let first { return first }
        // The server closed a connection that was kept just as the request went out (RFC 9112, section 9.3.1): that says
        // nothing about the request, so it is sent once more over a fresh one.
        return try await clients.withFresh(host: host, at: address) { client in
            let response = try await client.execute(httpRequest(for: request), timeout: .hours(24))
            return try await answer(from: response, to: receiver)
        }
    }

    /// Whether the connection ended before anything of an answer came.
    private static func isLostConnection(_ error: any Error) -> Bool {
        switch error {
        case let error as HTTPClientError: error == .remoteConnectionClosed
        case let error as IOError: error.errnoCode == ECONNRESET || error.errnoCode == EPIPE
        default: false
        }
    }

    /// Whether a connection was not even made, so that another address can be tried with the same request.
    private static func isBeforeSending(_ error: any Error) -> Bool {
        switch error {
        case is NIOConnectionError: true
        case let error as HTTPClientError: error == .connectTimeout
        case let error as IOError: error.isRefusal
        case let error as ChannelError: if case .connectTimeout = error { true } else { false }
        default: false
        }
    }

    private func httpRequest(for request: OutgoingRequest) -> HTTPClientRequest {
        var outgoing = HTTPClientRequest(url: request.url)
        outgoing.tlsConfiguration = tls ?? .outgoing
        outgoing.method = HTTPMethod(rawValue: request.method)
        for header in request.headers { outgoing.headers.add(name: header.name, value: header.value) }
        if let traceparent = OutgoingTrace.traceparent, !outgoing.headers.contains(name: OutgoingTrace.header) {
            outgoing.headers.add(name: OutgoingTrace.header, value: traceparent)
        }
        if !outgoing.headers.contains(name: "User-Agent") { outgoing.headers.add(name: "User-Agent", value: userAgent) }
        if let body = request.body { outgoing.body = .bytes(body) }
        return outgoing
    }

    private func answer(
        from response: HTTPClientResponse,
        to receiver: (any BodyReceiving)?
    ) async throws -> IncomingAnswer {
        var body: [UInt8] = []
        if let receiver, (200...299).contains(response.status.code) {
            for try await part in response.body { try await receiver.receive(Array(part.readableBytesView)) }
        } else {
            // One byte more than is kept tells whether something is missing; the rest is not read.
            for try await part in response.body {
                body += part.readableBytesView.prefix(Self.keptBytes + 1 - body.count)
                if body.count > Self.keptBytes { break }
            }
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
        case let error as ExchangeError: return error
        case is CancellationError: return ExchangeError("the request was canceled before it finished")
        case let error as HTTPClientError:
            switch error {
            case .cancelled: return ExchangeError("the request was canceled before it finished")
            case .connectTimeout: return ExchangeError("no connection within 10 seconds")
            case .remoteConnectionClosed:
                return ExchangeError("the connection was closed before the response was complete")
            default: return ExchangeError(error.shortDescription.lowercased(), isPassing: !error.blamesRequest)
            }
        case let error as NIOConnectionError:
            if error.dnsAError != nil, error.connectionErrors.isEmpty {
                return ExchangeError("its name cannot be resolved")
            }
            let cause = error.connectionErrors.first.flatMap { $0.error as? IOError }
            return ExchangeError("no connection: \(cause.map(\.shortReason) ?? "the reason is not known")")
        case let error as IOError:
            return ExchangeError("\(error.isRefusal ? "no connection" : "the connection broke"): \(error.shortReason)")
        case let error as NIOSSLError: return Self.error(for: error)
        case is NIOSSLExtraError:
            return ExchangeError("its certificate is for another name; check the host, or the certificate")
        case is HTTPParserError:
            return ExchangeError(
                "its response is not valid HTTP/1.1 (RFC 9112), such as a header that continues on the next line"
            )
        case let error as ChannelError:
            if case .connectTimeout = error { return ExchangeError("no connection within 10 seconds") }
            return ExchangeError("the connection broke: \("\(error)".withoutBuildPaths)")
        default: return ExchangeError("the exchange failed: \("\(error)".withoutBuildPaths)")
        }
    }
}

extension HTTPClientSender {
    private static func error(for error: NIOSSLError) -> ExchangeError {
        guard case .handshakeFailed(let cause) = error else {
            return ExchangeError("the encrypted connection broke: \("\(error)".withoutBuildPaths)")
        }
        let words = "\(cause)".withoutBuildPaths
        return if words.contains("CERTIFICATE_VERIFY_FAILED") {
            ExchangeError(
                "its certificate cannot be trusted: it has expired, or was signed by an unknown certificate authority "
                    + "it (name a private one in 'http.ca_file')"
            )
        } else if words.contains("WRONG_VERSION_NUMBER") || words.contains("HTTP_REQUEST") {
            ExchangeError("it does not support TLS on this port; should the URL begin with http://?")
        } else {
            ExchangeError("TLS negotiation failed: \(words)")
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
    /// Whether nobody was reached at all.
    var isRefusal: Bool {
        [.connectionRefused, .noRouteToHost, .networkUnreachable, .addressNotAvailable].contains(number)
    }

    fileprivate var number: Errno { Errno(rawValue: errnoCode) }
    var shortReason: String { number.description.lowercased() }
}
