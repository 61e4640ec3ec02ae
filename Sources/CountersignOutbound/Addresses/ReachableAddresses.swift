import CountersignCore

/// The addresses that a name leads to and that may be reached.
struct ReachableAddresses: Sendable {
    let policy: OutgoingPolicy
    let resolver: any NameResolving

    /// The addresses that may be tried, in the resolver's order.
    func all(of host: String) async throws(ExchangeError) -> [IPAddress] {
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
