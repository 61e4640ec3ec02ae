import Glibc

/// An address of the internet protocol, version 4 or 6.
package struct IPAddress: Sendable, Hashable {
    /// 4 or 16 bytes, in the order of the network.
    package let bytes: [UInt8]

    /// An address of 4 or 16 bytes; nil for any other number.
    package init?(bytes: [UInt8]) {
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        self.bytes = bytes
    }

    /// Reads an address as it is usually written (RFC 4291, section 2.2, and four decimal numbers); nil for any other.
    package init?(_ text: String) {
        var four = in_addr()
        var six = in6_addr()
        if inet_pton(AF_INET, text, &four) == 1 {
            bytes = withUnsafeBytes(of: four) { Array($0) }
        } else if inet_pton(AF_INET6, text, &six) == 1 {
            bytes = withUnsafeBytes(of: six) { Array($0) }
        } else {
            return nil
        }
    }

    /// The address that the system's resolver sees in an unusual spelling, such as `0x7f.1`, `2130706433` or `010.1`;
    /// nil where it sees a name.
    package init?(oddSpelling text: String) {
        var four = in_addr()
        guard inet_aton(text, &four) != 0 else { return nil }
        bytes = withUnsafeBytes(of: four) { Array($0) }
    }

    /// Whether the first `count` bits are those of `other`, which is of the same version.
    func shares(_ count: Int, bitsWith other: IPAddress) -> Bool {
        guard bytes.count == other.bytes.count else { return false }
        let (whole, rest) = (count / 8, count % 8)
        guard bytes[..<whole] == other.bytes[..<whole] else { return false }
        return rest == 0 || (bytes[whole] ^ other.bytes[whole]) >> (8 - rest) == 0
    }
}

extension IPAddress: CustomStringConvertible {
    /// The usual text: four decimal numbers, or hexadecimal groups as inet_ntop(3) writes them.
    package var description: String {
        guard bytes.count == 16 else { return bytes.map { String($0) }.joined(separator: ".") }
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        let found = bytes.withUnsafeBytes {
            inet_ntop(AF_INET6, $0.baseAddress, &text, socklen_t(text.count)) != nil
        }
        return found ? String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self) : "::"
    }
}

/// A range of addresses, written `10.0.0.0/8` (CIDR, RFC 4632).
package struct NetworkPrefix: Sendable, Hashable {
    /// The first address of the range: all bits after `length` are zero.
    package let address: IPAddress

    /// How many leading bits all addresses of the range have in common.
    package let length: Int

    /// The addresses of this machine itself.
    package static let loopback = ["127.0.0.0/8", "::1"].compactMap { NetworkPrefix($0) }

    /// Reads a range, or an address alone as the range of itself; nil for anything else, or with bits behind the length.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, let address = IPAddress(String(parts[0])) else { return nil }
        let bits = address.bytes.count * 8
        let length = parts.count == 1 ? bits : Int(parts[1]) ?? -1
        guard (0...bits).contains(length), Self.areClear(address.bytes, behind: length) else { return nil }
        (self.address, self.length) = (address, length)
    }

    /// Whether the range contains `other`; false for an address of the other IP version.
    package func contains(_ other: IPAddress) -> Bool { other.shares(length, bitsWith: address) }

    private static func areClear(_ bytes: [UInt8], behind length: Int) -> Bool {
        (length..<bytes.count * 8)
            .allSatisfy { bit in
                let mask: UInt8 = 0x80 >> UInt8(bit % 8)
                return bytes[bit / 8] & mask == 0
            }
    }
}

extension NetworkPrefix {
    /// A network or an address, as settings have it.
    package static let form = TextForm("a network such as 10.1.0.0/16 or fd12::/48") { text in
        NetworkPrefix(text) == nil ? "must be a network such as 10.1.0.0/16 or fd12::/48, not '\(text.printable)'" : nil
    }
}
