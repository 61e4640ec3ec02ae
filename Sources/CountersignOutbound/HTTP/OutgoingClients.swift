package import AsyncHTTPClient
import CountersignCore
import NIOCore
import NIOHTTPCompression
import Synchronization

/// The clients through which requests go out: one for each name and address, so that a connection goes to the address
/// that was evaluated while certificates are checked against the name.
///
/// Connections are kept between requests. Whoever makes this shuts it down.
package final class OutgoingClients: Sendable {
    /// What a client connects to.
    struct Endpoint: Hashable {
        /// The name of the other side, which its certificate is checked against.
        let host: String

        /// The address of the other side, or that of the proxy.
        let address: IPAddress

        /// The proxy that connections go through; nil for none.
        var proxy: ProxyServer?
    }

    private struct Entry {
        let client: HTTPClient
        var users = 0

        /// Whether an exchange has ended in it, so that it may hold connections that the other side is about to close.
        var hasServed = false
        var lastUse = 0
    }

    private struct State {
        var entries: [Endpoint: Entry] = [:]
        var uses = 0
    }

    private let state = Mutex(State())
    private let limit: Int

    /// Keeps at most `limit` clients that nobody uses at the moment.
    package init(limit: Int = 64) {
        self.limit = limit
    }

    /// Lends the client that connects to `endpoint`, and says whether it may use a connection that was kept.
    func with<Result>(
        _ endpoint: Endpoint,
        _ body: (HTTPClient, _ mayBeKept: Bool) async throws -> Result
    ) async throws -> Result {
        let (client, hasServed) = borrow(endpoint)
        do {
            let result = try await body(client, hasServed)
            await giveBack(endpoint, hasServed: true)
            return result
        } catch {
            await giveBack(endpoint, hasServed: false)
            throw error
        }
    }

    /// Lends a client of its own, whose connection is certainly a fresh one.
    func withFresh<Result>(
        _ endpoint: Endpoint,
        _ body: (HTTPClient) async throws -> Result
    ) async throws -> Result {
        let client = Self.client(for: endpoint)
        do {
            let result = try await body(client)
            try? await client.shutdown()
            return result
        } catch {
            try? await client.shutdown()
            throw error
        }
    }

    /// Closes all connections; nothing is sent through these clients any more.
    package func shutdown() async throws {
        let clients = state.withLock { state in
            defer { state.entries = [:] }
            return state.entries.values.map(\.client)
        }
        for client in clients { try await client.shutdown() }
    }

    private func borrow(_ endpoint: Endpoint) -> (HTTPClient, hasServed: Bool) {
        state.withLock { state in
            state.uses += 1
            var entry = state.entries[endpoint] ?? Entry(client: Self.client(for: endpoint))
            entry.users += 1
            entry.lastUse = state.uses
            state.entries[endpoint] = entry
            return (entry.client, entry.hasServed)
        }
    }

    private func giveBack(_ endpoint: Endpoint, hasServed: Bool) async {
        let surplus = state.withLock { state -> HTTPClient? in
            state.entries[endpoint]?.users -= 1
            if hasServed { state.entries[endpoint]?.hasServed = true }
            let idle = state.entries.filter { $0.value.users == 0 }
            guard idle.count > limit, let oldest = idle.min(by: { $0.value.lastUse < $1.value.lastUse }) else {
                return nil
            }
            return state.entries.removeValue(forKey: oldest.key)?.client
        }
        // Nobody uses it, so there is nothing that could fail to end.
        try? await surplus?.shutdown()
    }

    private static func client(for endpoint: Endpoint) -> HTTPClient {
        var configuration = configuration
        if let proxy = endpoint.proxy {
            configuration.proxy = .server(
                host: endpoint.address.description,
                port: proxy.port,
                authorization: proxy.user.map { .basic(username: $0.name, password: $0.password) }
            )
        } else if IPAddress(endpoint.host) == nil {
            configuration.dnsOverride = [endpoint.host: endpoint.address.description]
        }
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    /// What every client of ours has: no redirects, and one try at a connection.
    package static var configuration: HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow,
            timeout: .init(connect: TimeAmount(NetworkError.connectTimeout))
        )
        // An answer is read part by part and only its beginning kept, so a small one that unpacks to a large one costs no more.
        configuration.decompression = .enabled(limit: .none)
        configuration.tlsConfiguration = .outgoing
        // Trying again is the step's business, which does it with a backoff and writes it down.
        configuration.connectionPool.retryConnectionEstablishment = false
        return configuration
    }
}
