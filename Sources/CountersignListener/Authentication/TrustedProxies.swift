package import CountersignCore

/// The proxies whose word about who the client is counts.
package struct TrustedProxies: Sendable {
    private let networks: [NetworkPrefix]

    /// The proxies in these networks; without any, the client is who is at the other end of the connection.
    package init(_ networks: [NetworkPrefix] = []) {
        self.networks = networks
    }

    /// The address of the client: the last one of `X-Forwarded-For` that is not that of a trusted proxy.
    ///
    /// - Parameters:
    ///   - remote: The address at the other end of the connection.
    ///   - forwarded: The values of `X-Forwarded-For`, in the order in which they stand in the request.
    /// - Returns: nil where a trusted proxy names something that is no address, as nobody knows who that is.
    package func client(behind remote: IPAddress?, forwarded: [String]) -> IPAddress? {
        guard let remote, isTrusted(remote) else { return remote }
        var client: IPAddress? = remote
        for hop in forwarded.joined(separator: ",").split(separator: ",").reversed() {
            guard let address = Self.address(String(hop).trimmed) else { return nil }
            client = address
            guard isTrusted(address) else { return address }
        }
        return client
    }

    private func isTrusted(_ address: IPAddress) -> Bool { networks.contains { $0.contains(address) } }

    /// The address of a hop, with or without a port: `203.0.113.7`, `203.0.113.7:4711`, `[2001:db8::1]:4711`.
    private static func address(_ text: String) -> IPAddress? {
        if let address = IPAddress(text) { return address.unmapped }
        if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
            return IPAddress(String(text[text.index(after: text.startIndex)..<end]))
        }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[1].utf8.allSatisfy(\.isDigit) else { return nil }
        return IPAddress(String(parts[0]))
    }
}

extension String {
    /// The text without blanks around it.
    fileprivate var trimmed: String {
        String(drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed())
    }
}

extension IPAddress {
    /// The IPv4 address in an address such as `::ffff:203.0.113.7`, as sockets for both versions give it; else the same.
    package var unmapped: IPAddress {
        let prefix: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]
        guard bytes.count == 16, bytes.starts(with: prefix) else { return self }
        return IPAddress(bytes: Array(bytes.suffix(4))) ?? self
    }
}
