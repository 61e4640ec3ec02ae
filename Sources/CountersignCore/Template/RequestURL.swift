import Foundation

/// The URL of a request, checked.
package struct RequestURL {
    /// The URL as it is requested; it contains no user information.
    package let url: String

    /// A name of letters, digits, `-`, `_` and dots, or an address as it is usually written, without brackets.
    package let host: String

    /// Host and port, the scheme's own port where the URL names none.
    package var place: String { "\(host.contains(":") ? "[\(host)]" : host):\(port)" }

    /// The host, and the port where it is not the scheme's own.
    package var name: String { hasUsualPort ? host : place }

    /// The port, that of the scheme where the URL names none.
    package let port: Int
    private let hasUsualPort: Bool

    /// Whether requests go over TLS.
    package let isEncrypted: Bool

    /// Reads a URL; one that is not http or https, or that names an address which is never reached, is refused.
    ///
    /// What a name leads to is not known here; see `OutgoingPolicy`.
    package init(_ text: String, source: String) throws(StepFailure) {
        guard let url = URL(string: text, encodingInvalidCharacters: false), let scheme = url.scheme?.lowercased()
        else {
            throw .final("'\(source)' is not a URL; write 'https://host/path'")
        }
        guard scheme == "http" || scheme == "https" else {
            throw .final("'\(source)' is not an http or https URL")
        }
        guard url.user() == nil, url.password() == nil else {
            throw .final("user information in a URL is not sent; use 'headers: { Authorization: … }'")
        }
        guard let host = url.host(percentEncoded: false), !host.isEmpty else {
            throw .final("'\(source)' has no host")
        }
        self.url = url.absoluteString
        isEncrypted = scheme == "https"
        let usual = scheme == "https" ? 443 : 80
        port = try Self.port(in: text, source: source) ?? usual
        hasUsualPort = port == usual
        self.host = try Self.checked(host, source: source)
    }

    /// The port that a URL names; nil where it names none.
    ///
    /// It is read here, since libraries take any number for one, or none at all for one with twenty digits (RFC 3986,
    /// section 3.2.3, has no bound; TCP, RFC 9293, has 16 bits).
    private static func port(in url: String, source: String) throws(StepFailure) -> Int? {
        guard let start = url.firstRange(of: "://")?.upperBound else { return nil }
        let authority = url[start...].prefix { !"/?#\\".contains($0) }
        // A colon within brackets belongs to the address.
        let behindHost =
            authority.last { $0 == "]" || $0 == "@" } == "]"
            ? authority[(authority.lastIndex(of: "]") ?? authority.startIndex)...] : authority
        guard let colon = behindHost.lastIndex(of: ":") else { return nil }
        let text = behindHost[behindHost.index(after: colon)...]
        if text.isEmpty { return nil }
        guard text.utf8.allSatisfy(\.isDigit), let port = Int(text), (1...65_535).contains(port) else {
            throw .final("'\(source)' has a port that is not a number from 1 to 65535")
        }
        return port
    }

    /// A host that everybody reads as the same: a plain name or a plainly written address.
    private static func checked(_ host: String, source: String) throws(StepFailure) -> String {
        let bare = host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
        // A zone belongs to an address of the link.
        let plain = IPAddress(String(bare.prefix { $0 != "%" }))
        let spelled = IPAddress(oddSpelling: bare.hasSuffix(".") ? String(bare.dropLast()) : bare)
        if let address = plain ?? spelled {
            guard AddressReach(address) != .forbidden else {
                throw .final("'\(source)' leads to a link-local, metadata or reserved address, which is never reached")
            }
            guard IPAddress(bare) != nil else {
                throw .final("'\(source)' has an address in an unusual notation; write it as \(address)")
            }
            return bare
        }
        guard HostPattern(bare) != nil, !bare.hasPrefix("*"), !bare.hasSuffix("..") else {
            throw .final(
                "'\(source)' has an invalid host name; use letters, digits, '-' and dots, and write an "
                    + "international name as 'xn--…'"
            )
        }
        return bare
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
}
