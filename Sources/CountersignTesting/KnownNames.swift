package import CountersignCore
package import CountersignOutbound

/// A resolver that knows a few names.
package struct KnownNames: NameResolving {
    private let names: [String: [String]]

    /// A resolver of `names`, each with its addresses in the order in which they are tried.
    package init(names: [String: [String]]) {
        self.names = names
    }

    /// The addresses of `host`; a name that is not among them cannot be resolved.
    package func addresses(of host: String) async throws(ExchangeError) -> [IPAddress] {
        guard let found = names[host] else {
            throw ExchangeError(NetworkError(.nameNotFound, "its name cannot be resolved"))
        }
        return found.compactMap { IPAddress($0) }
    }
}
