import CountersignCore
import Crypto
package import Foundation

/// Who may look and give orders: anybody on this machine, or who knows a token.
///
/// Browsers that are signed in are known here and nowhere else: who signs out, or whose server starts again, is out.
package struct AdminAccess: Sendable {
    /// How long a browser stays signed in.
    package static let session: TimeInterval = 12 * 3_600

    private let tokens: [AdminToken]
    private let sessions = Sessions()

    /// - Parameter tokens: What lets callers in; where there are none, everybody who reaches a loopback address is let in.
    package init(tokens: [AdminToken]) {
        self.tokens = tokens
    }

    /// Whether callers must know a token.
    var needsToken: Bool { !tokens.isEmpty }

    /// The token that `offered` is; compared by digests, and with each of them, so that the time taken tells nothing.
    func token(_ offered: String) -> AdminToken? {
        let digest = SHA256.hash(data: Data(offered.utf8))
        return tokens.reduce(nil) { found, token in
            SHA256.hash(data: Data(token.value.utf8)) == digest ? token : found
        }
    }

    /// Whose token the header `Authorization` holds; nil where it holds none.
    package func identity(authorization: String?) -> AdminIdentity? {
        let parts = (authorization ?? "").split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        return token(String(parts[1])).map { AdminIdentity(name: $0.name, role: $0.role, credential: .token) }
    }

    /// The value of a cookie for a browser whose user knows `token`.
    package func cookie(for token: AdminToken, at now: Date) -> String {
        let identity = AdminIdentity(name: token.name, role: token.role, credential: .session)
        return sessions.begin(as: identity, until: now.addingTimeInterval(Self.session), at: now)
    }

    /// Whose session a cookie's value belongs to; nil where it was not given out by us, or has ended.
    package func identity(cookie: String?, at now: Date) -> AdminIdentity? {
        guard needsToken, let cookie else { return nil }
        return sessions.identity(cookie, at: now)
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
