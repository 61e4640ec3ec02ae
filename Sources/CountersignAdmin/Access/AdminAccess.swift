import CountersignModel
import Crypto
package import Foundation

/// Who may look and order: anybody on this machine, or who knows the token.
package struct AdminAccess: Sendable {
    /// How long a browser stays signed in.
    package static let session: TimeInterval = 12 * 3_600

    private let token: String?

    /// - Parameter token: What callers must know; nil lets in everybody who reaches a loopback address.
    package init(token: String?) {
        self.token = token
    }

    /// Whether callers must know a token.
    var needsToken: Bool { token != nil }

    /// Who is let in, in a few words.
    package var summary: String { needsToken ? "for who knows the token" : "for everybody on this machine" }

    /// Whether `offered` is the token; compared by digests, so that the time taken tells nothing.
    func isToken(_ offered: String) -> Bool {
        guard let token else { return false }
        return SHA256.hash(data: Data(offered.utf8)) == SHA256.hash(data: Data(token.utf8))
    }

    /// Whether the header `Authorization` holds the token.
    package func admits(authorization: String?) -> Bool {
        let parts = (authorization ?? "").split(separator: " ", maxSplits: 1)
        return parts.count == 2 && parts[0].lowercased() == "bearer" && isToken(String(parts[1]))
    }

    /// The value of a cookie for a browser whose user knows the token.
    package func cookie(at now: Date) -> String {
        let end = String(Int(now.timeIntervalSince1970 + Self.session))
        return "\(end).\(seal(of: end))"
    }

    /// Whether a cookie's value was given out by us and has not ended.
    package func admits(cookie: String?, at now: Date) -> Bool {
        let parts = (cookie ?? "").split(separator: ".", maxSplits: 1)
        guard token != nil, parts.count == 2, let end = Double(parts[0]), end > now.timeIntervalSince1970 else {
            return false
        }
        let expected = seal(of: String(parts[0]))
        return SHA256.hash(data: Data(parts[1].utf8)) == SHA256.hash(data: Data(expected.utf8))
    }

    private func seal(of end: String) -> String {
        let key = SymmetricKey(data: SHA256.hash(data: Data("countersign session \(token ?? "")".utf8)))
        return HMAC<SHA256>.authenticationCode(for: Data(end.utf8), using: key).hexDigits
    }

    /// Whether a name in the header `Host` can only mean this machine.
    ///
    /// Without a token this is what keeps a page on the internet out whose name leads to a loopback address.
    package static func isLocal(host: String) -> Bool {
        var name = host
        if let end = host.lastIndex(of: "]") {
            name = String(host[...end])
        } else if let colon = host.lastIndex(of: ":") {
            name = String(host[..<colon])
        }
        return name.lowercased() == "localhost" || name == "[::1]" || name.wholeMatch(of: /127(\.\d{1,3}){3}/) != nil
    }

    /// Whether what a browser says of a request's origin fits the host that it was sent to.
    ///
    /// Programs that are no browsers say nothing of it, and carry no cookies that a page could borrow.
    package static func isSameOrigin(origin: String?, fetchSite: String?, host: String) -> Bool {
        if let fetchSite, !["same-origin", "none"].contains(fetchSite) { return false }
        guard let origin else { return true }
        guard let scheme = origin.range(of: "://") else { return false }
        return origin[scheme.upperBound...].lowercased() == host.lowercased()
    }
}
