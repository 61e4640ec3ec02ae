package import CountersignCore

/// The addresses that a name leads to and that may be reached.
package struct ReachableAddresses: Sendable {
    private let policy: OutgoingPolicy
    private let resolver: any NameResolving

    /// The addresses that `policy` allows of those that `resolver` finds.
    package init(policy: OutgoingPolicy = OutgoingPolicy(), resolver: any NameResolving = SystemResolver()) {
        self.policy = policy
        self.resolver = resolver
    }

    /// Makes sure that a proxy may be asked for a host: none of its addresses that can be known here is refused.
    ///
    /// What leads nowhere from here is left to the proxy, as in a network that resolves no outer names.
    func requireAllowed(_ host: String) async throws(ExchangeError) {
        do throws(ExchangeError) {
            _ = try await all(of: host)
        } catch {
            guard error.network?.kind == .nameNotFound else { throw error }
        }
    }

    /// The addresses of a proxy that may be tried.
    func all(ofProxy proxy: ProxyServer) async throws(ExchangeError) -> [IPAddress] {
        do throws(ExchangeError) {
            return try await all(of: proxy.host)
        } catch {
            throw ExchangeError("the proxy \(proxy.name): \(error.reason)", isPassing: error.isPassing)
        }
    }

    /// The addresses that may be tried, in the resolver's order.
    ///
    /// - Throws: `ExchangeError` where the name leads nowhere, or only to what is refused.
    package func all(of host: String) async throws(ExchangeError) -> [IPAddress] {
        let all: [IPAddress]
        if let address = IPAddress(host) { all = [address] } else { all = try await resolver.addresses(of: host) }
        let refusals = all.map { policy.refusal(of: $0, for: host) }
        let allowed = zip(all, refusals).filter { $0.1 == nil }.map(\.0)
        if allowed.isEmpty, let reason = refusals.compactMap({ $0 }).first {
            throw ExchangeError("requests to it are not allowed: \(reason)", isPassing: false)
        }
        return allowed
    }
}
