import CountersignCore
import Crypto
package import Foundation

/// Who may look and order: anybody on this machine, or who knows the token.
///
/// Browsers that are signed in are known here and nowhere else: who signs out, or whose server starts again, is out.
package struct AdminAccess: Sendable {
    /// How long a browser stays signed in.
    package static let session: TimeInterval = 12 * 3_600

    private let token: String?
    private let sessions = Sessions()

    /// - Parameter token: What callers must know; nil lets in everybody who reaches a loopback address.
    package init(token: String?) {
        self.token = token
    }

    /// Whether callers must know a token.
    var needsToken: Bool { token != nil }

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
    package func cookie(at now: Date) -> String { sessions.begin(until: now.addingTimeInterval(Self.session), at: now) }

    /// Whether a cookie's value was given out by us and has not ended.
    package func admits(cookie: String?, at now: Date) -> Bool {
        guard token != nil, let cookie else { return false }
        return sessions.isOpen(cookie, at: now)
    }

    /// Ends the session of a browser; its cookie means nothing any more.
    package func signOut(cookie: String?) {
        if let cookie { sessions.end(cookie) }
    }

    /// The place to go to after signing in: a path on this server, or the first page where `text` is anything else.
    ///
    /// Browsers drop tabs and line ends from a URL, and read a backslash as a slash (WHATWG URL, section 4.4), so a path
    /// that holds one could become another server's address.
    package static func ownPath(_ text: String?) -> String {
        guard let text, text.hasPrefix("/"), !text.hasPrefix("//"),
            text.unicodeScalars.allSatisfy({ $0.value > 0x20 && $0.value != 0x7F && $0 != "\\" })
        else { return "/" }
        return text
    }

    /// Whether a text can be the header `Host` (RFC 9110, section 7.2): a name or an address, and perhaps a port.
    package static func isHost(_ text: String) -> Bool {
        text.wholeMatch(of: /([A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?/) != nil
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
