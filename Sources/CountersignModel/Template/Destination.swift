import Foundation
import Glibc

/// The URL of a request, checked.
package struct Destination {
    package let url: String
    package let host: String

    /// Reads a URL; one that is not http or https, or that names an address which is never reached, is refused.
    package init(_ text: String, source: String) throws(StepFailure) {
        guard let url = URL(string: text, encodingInvalidCharacters: false), let scheme = url.scheme?.lowercased()
        else {
            throw .final("'\(source)' became no URL; it is written as 'https://host/path'")
        }
        guard scheme == "http" || scheme == "https" else {
            throw .final("'\(source)' is not an http or https URL")
        }
        guard url.user() == nil, url.password() == nil else {
            throw .final("a user in a URL would not be sent; use 'headers: { Authorization: … }'")
        }
        guard let host = url.host(percentEncoded: false), !host.isEmpty else {
            throw .final("'\(source)' names no host")
        }
        guard !Self.isForbidden(host) else {
            throw .final("'\(source)' leads to a link-local or metadata address, which is never reached")
        }
        self.url = url.absoluteString
        self.host = host
    }

    /// Adds parameters to a URL, in front of its fragment.
    package static func adding(_ parameters: [(name: String, value: String)], to url: String) -> String {
        let parts = url.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
        guard !parameters.isEmpty else { return String(parts[0]) }
        let joint = parts[0].contains("?") ? (parts[0].hasSuffix("?") || parts[0].hasSuffix("&") ? "" : "&") : "?"
        return parts[0] + joint + form(parameters)
    }

    /// `name=value&…`, percent-encoded.
    package static func form(_ parameters: [(name: String, value: String)]) -> String {
        parameters.map { "\($0.name.percentEncoded)=\($0.value.percentEncoded)" }.joined(separator: "&")
    }

    /// Whether `host` is an address of the link, or one at which a cloud hands out its secrets.
    private static func isForbidden(_ host: String) -> Bool {
        let bare = host.drop { $0 == "[" }.prefix { $0 != "]" && $0 != "%" }
        var name = String(bare)
        while name.hasSuffix(".") { name.removeLast() }
        var address4 = in_addr()
        // inet_aton knows all spellings that the resolver knows: 0xa9fea9fe, 2852039166, 0251.0376.0251.0376.
        if inet_aton(name, &address4) != 0 { return isForbidden4(UInt32(bigEndian: address4.s_addr)) }
        var address6 = in6_addr()
        guard inet_pton(AF_INET6, name, &address6) == 1 else { return false }
        return isForbidden6(withUnsafeBytes(of: address6) { Array($0) })
    }

    private static func isForbidden4(_ address: UInt32) -> Bool {
        address >> 16 == 0xA9FE || address == 0x6464_64C8
    }

    private static func isForbidden6(_ bytes: [UInt8]) -> Bool {
        let metadata: [UInt8] = [0xFD, 0, 0x0E, 0xC2] + Array(repeating: 0, count: 10) + [0x02, 0x54]
        if bytes == metadata || (bytes[0] == 0xFE && bytes[1] & 0xC0 == 0x80) { return true }
        // An IPv4 address in IPv6 clothes: mapped, or translated by NAT64.
        let isMapped = bytes[..<10].allSatisfy { $0 == 0 } && bytes[10] == 0xFF && bytes[11] == 0xFF
        let isTranslated = bytes[..<12].elementsEqual([0, 0x64, 0xFF, 0x9B] + Array(repeating: 0, count: 8))
        return (isMapped || isTranslated) && isForbidden4(bytes[12...].reduce(0) { $0 << 8 | UInt32($1) })
    }
}
