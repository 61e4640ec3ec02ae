import AsyncHTTPClient
import CountersignCore
import NIOCore
import NIOHTTP1
package import NIOSSL

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
    private let proxy: ProxyChoice
    private let userAgent: String

    /// - Parameters:
    ///   - clients: Whoever makes them shuts them down.
    ///   - policy: Says which addresses may be reached.
    ///   - resolver: Looks names up.
    ///   - tls: What certificates are checked against; nil for the system's authorities.
    ///   - proxy: Which proxy requests go through.
    ///   - userAgent: Sent where a request names none, such as `Countersign/1.0`.
    package init(
        clients: OutgoingClients,
        policy: OutgoingPolicy = OutgoingPolicy(),
        resolver: any NameResolving = SystemResolver(),
        tls: TLSConfiguration? = nil,
        proxy: ProxyChoice = .none,
        userAgent: String
    ) {
        self.clients = clients
        addresses = ReachableAddresses(policy: policy, resolver: resolver)
        self.tls = tls
        self.proxy = proxy
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
            throw ExchangeError(Task.isCancelled ? .canceled : .noAnswer(within: timeout))
        }
        return try first.get()
    }

    /// Makes sure that the host of a URL has an address that may be reached, or that its proxy has; nothing is sent.
    ///
    /// - Throws: `ExchangeError`.
    package func requireReachableName(in url: String) async throws(ExchangeError) {
        let target: RequestURL
        let proxy: ProxyServer?
        do throws(StepFailure) {
            target = try RequestURL(url, source: url)
            proxy = try self.proxy.proxy(for: target)
        } catch {
            throw ExchangeError(error.reason, isPassing: false)
        }
        guard let proxy else {
            _ = try await addresses.all(of: target.host)
            return
        }
        try await addresses.requireAllowed(target.host)
        _ = try await addresses.all(ofProxy: proxy)
    }

    private func exchange(
        _ request: OutgoingRequest,
        to receiver: (any BodyReceiving)?
    ) async throws(ExchangeError) -> IncomingAnswer {
        let url: RequestURL
        do throws(StepFailure) {
            url = try RequestURL(request.url, source: request.url)
        } catch {
            throw ExchangeError("it cannot be sent: the URL is refused", isPassing: false)
        }
        let proxy: ProxyServer?
        do throws(StepFailure) {
            proxy = try self.proxy.proxy(for: url)
        } catch {
            throw ExchangeError("it cannot be sent: \(error.reason)", isPassing: error.isWorthRetrying)
        }
        if let proxy { return try await exchange(request, to: receiver, with: url.host, through: proxy) }
        var lastFailure: ExchangeError?
        for address in try await addresses.all(of: url.host) {
            do {
                return try await exchange(request, to: receiver, over: .init(host: url.host, address: address))
            } catch let error as ExchangeError {
                throw error
            } catch {
                let error = await CertificateInspection.explaining(
                    NetworkError(error),
                    of: url.host,
                    at: address,
                    port: url.port
                )
                let failure = ExchangeError(error, adding: Self.advice)
                guard error.isBeforeConnection else { throw failure }
                // Nothing was sent yet; a name with several addresses has them for this.
                lastFailure = failure
            }
        }
        throw lastFailure ?? ExchangeError(.nameNotFound())
    }

    /// Sends the request through a proxy, whose address is evaluated; the name of the other side has to be allowed as well.
    private func exchange(
        _ request: OutgoingRequest,
        to receiver: (any BodyReceiving)?,
        with host: String,
        through proxy: ProxyServer
    ) async throws(ExchangeError) -> IncomingAnswer {
        try await addresses.requireAllowed(host)
        var lastFailure: ExchangeError?
        for address in try await addresses.all(ofProxy: proxy) {
            do {
                let endpoint = OutgoingClients.Endpoint(host: host, address: address, proxy: proxy)
                return try await exchange(request, to: receiver, over: endpoint)
            } catch let error as ExchangeError {
                throw error
            } catch {
                let error = NetworkError(error)
                lastFailure = ExchangeError(error, through: proxy)
                guard error.isBeforeConnection, error.kind != .refusedByProxy else { break }
            }
        }
        throw lastFailure ?? ExchangeError(.nameNotFound(), through: proxy)
    }

    private func exchange(
        _ request: OutgoingRequest,
        to receiver: (any BodyReceiving)?,
        over endpoint: OutgoingClients.Endpoint
    ) async throws -> IncomingAnswer {
        let first = try await clients.with(endpoint) { client, mayBeKept -> IncomingAnswer? in
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
        return try await clients.withFresh(endpoint) { client in
            let response = try await client.execute(httpRequest(for: request), timeout: .hours(24))
            return try await answer(from: response, to: receiver)
        }
    }

    /// Whether the connection ended before anything of an answer came.
    private static func isLostConnection(_ error: any Error) -> Bool {
        [.reset, .closedEarly].contains(NetworkError(error).kind)
    }

    /// What to do where the URL may be wrong.
    private static let advice: [NetworkError.Kind: String] = [
        .notTLS: "should the URL begin with http://?",
        .certificateForAnotherName: "check the host, or the certificate",
    ]

    private func httpRequest(for request: OutgoingRequest) -> HTTPClientRequest {
        var outgoing = HTTPClientRequest(url: request.url)
        outgoing.tlsConfiguration = tls ?? .outgoing
        outgoing.method = HTTPMethod(rawValue: request.method)
        for header in request.headers { outgoing.headers.add(name: header.name, value: header.value) }
        if let traceparent = OutgoingTrace.traceparent, !outgoing.headers.contains(name: OutgoingTrace.header) {
            outgoing.headers.add(name: OutgoingTrace.header, value: traceparent)
        }
        if !outgoing.headers.contains(name: "User-Agent") { outgoing.headers.add(name: "User-Agent", value: userAgent) }
        if let stream = request.stream {
            outgoing.body = .stream(stream.buffers, length: .known(Int64(stream.count)))
        } else if let body = request.body {
            outgoing.body = .bytes(body)
        }
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
}
