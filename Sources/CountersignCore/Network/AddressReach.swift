/// Who can be behind an address: somebody on the internet, somebody within the own network, or nobody to be called.
package enum AddressReach: Sendable, Comparable {
    /// An address of the internet.
    case open
    /// Loopback, a private network, or one that a provider shares among its customers.
    case inner
    /// The link, a cloud's metadata, many receivers at once, or nobody: never called.
    case forbidden

    /// The reach of `address`; an IPv6 address that has an IPv4 address in it reaches no further than that one.
    package init(_ address: IPAddress) {
        let own = Self.ranges.first { $0.range.contains(address) }?.reach ?? .open
        // Of the addresses within it, the worst counts: whoever translates it may follow either.
        self = Self.embedded(in: address).map { Self($0) }.reduce(own) { max($0, $1) }
    }

    /// The first range that holds an address counts.
    private static let ranges: [(range: NetworkPrefix, reach: AddressReach)] = [
        // IANA IPv4 Special-Purpose Address Registry (RFC 6890), and what clouds use for their metadata.
        ("169.254.0.0/16", .forbidden), ("100.100.100.200", .forbidden), ("168.63.129.16", .forbidden),
        ("192.0.0.192", .forbidden), ("0.0.0.0/8", .forbidden), ("224.0.0.0/4", .forbidden),
        ("240.0.0.0/4", .forbidden), ("127.0.0.0/8", .inner), ("10.0.0.0/8", .inner), ("172.16.0.0/12", .inner),
        ("192.168.0.0/16", .inner), ("100.64.0.0/10", .inner), ("192.0.0.0/24", .inner), ("198.18.0.0/15", .inner),
        // IANA IPv6 Special-Purpose Address Registry.
        ("fe80::/10", .forbidden), ("fd00:ec2::254", .forbidden), ("fd20:ce::254", .forbidden),
        ("ff00::/8", .forbidden), ("::", .forbidden), ("::1", .inner), ("fc00::/7", .inner), ("fec0::/10", .inner),
        ("64:ff9b:1::/48", .inner),
    ]
    .compactMap { text, reach in NetworkPrefix(text).map { ($0, reach) } }

    private static let mapped = NetworkPrefix("::ffff:0:0/96")
    private static let compatible = NetworkPrefix("::/96")
    private static let translated = NetworkPrefix("64:ff9b::/96")
    private static let translatedLocally = NetworkPrefix("64:ff9b:1::/48")
    private static let translatedHere = NetworkPrefix("::ffff:0:0:0/96")
    private static let sixToFour = NetworkPrefix("2002::/16")
    private static let teredo = NetworkPrefix("2001::/32")

    /// The IPv4 addresses that an IPv6 address carries (RFC 4291, 6052, 8215, 2765, 3056, 4380).
    private static func embedded(in address: IPAddress) -> [IPAddress] {
        let bytes = address.bytes
        func isIn(_ range: NetworkPrefix?) -> Bool { range?.contains(address) ?? false }
        let found: [[UInt8]] =
            if bytes.count != 16 || bytes.dropLast().allSatisfy({ $0 == 0 }) {
                // `::` and `::1` are addresses of their own.
                []
            } else if isIn(mapped) || isIn(compatible) || isIn(translated) || isIn(translatedHere) {
                [Array(bytes[12...])]
            } else if isIn(translatedLocally) {
                // RFC 8215 leaves the length of the prefix to the network: 48, or any up to 96 (RFC 6052, section 2.2).
                [
                    [bytes[6], bytes[7], bytes[9], bytes[10]], [bytes[7], bytes[9], bytes[10], bytes[11]],
                    Array(bytes[9..<13]), Array(bytes[12...]),
                ]
                // What lies outside of the layout in use is zero.
                .filter { $0[0] != 0 }
            } else if isIn(sixToFour) {
                [Array(bytes[2..<6])]
            } else if isIn(teredo) {
                [Array(bytes[4..<8]), bytes[12...].map { $0 ^ 0xFF }]
            } else {
                []
            }
        return found.compactMap { IPAddress(bytes: $0) }
    }
}
