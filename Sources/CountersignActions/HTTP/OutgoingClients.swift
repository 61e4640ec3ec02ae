package import AsyncHTTPClient
import CountersignModel
import NIOCore
import Synchronization

/// The clients through which requests go out: one for each name and address, so that a connection goes to the address
/// that was judged while certificates are checked against the name.
///
/// Connections are kept between requests. Whoever makes this shuts it down.
package final class OutgoingClients: Sendable {
    private struct Place: Hashable {
        let host: String
        let address: IPAddress
    }

    private struct Entry {
        let client: HTTPClient
        var users = 0
        var lastUse = 0
    }

    private struct State {
        var entries: [Place: Entry] = [:]
        var uses = 0
    }

    private let state = Mutex(State())
    private let limit: Int

    /// Keeps at most `limit` clients that nobody uses at the moment.
    package init(limit: Int = 64) {
        self.limit = limit
    }

    /// Lends the client that connects to `address` for `host`.
    func with<Result>(
        host: String,
        at address: IPAddress,
        _ body: (HTTPClient) async throws -> Result
    ) async throws -> Result {
        let place = Place(host: host, address: address)
        let client = borrow(place)
        do {
            let result = try await body(client)
            await giveBack(place)
            return result
        } catch {
            await giveBack(place)
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

    private func borrow(_ place: Place) -> HTTPClient {
        state.withLock { state in
            state.uses += 1
            var entry = state.entries[place] ?? Entry(client: Self.client(for: place))
            entry.users += 1
            entry.lastUse = state.uses
            state.entries[place] = entry
            return entry.client
        }
    }

    private func giveBack(_ place: Place) async {
        let surplus = state.withLock { state -> HTTPClient? in
            state.entries[place]?.users -= 1
            let idle = state.entries.filter { $0.value.users == 0 }
            guard idle.count > limit, let oldest = idle.min(by: { $0.value.lastUse < $1.value.lastUse }) else {
                return nil
            }
            return state.entries.removeValue(forKey: oldest.key)?.client
        }
        // Nobody uses it, so there is nothing that could fail to end.
        try? await surplus?.shutdown()
    }

    private static func client(for place: Place) -> HTTPClient {
        var configuration = configuration
        if IPAddress(place.host) == nil { configuration.dnsOverride = [place.host: place.address.description] }
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    /// What every client of ours has: no redirects, and one try at a connection.
    package static var configuration: HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow,
            timeout: .init(connect: .seconds(10))
        )
        // Trying again is the step's business, which does it with a backoff and writes it down.
        configuration.connectionPool.retryConnectionEstablishment = false
        return configuration
    }
}
