package import CountersignCore
import Foundation

/// An HTTP proxy through which requests go by CONNECT (RFC 9110, section 9.3.6), those without TLS as well.
package struct ProxyServer: Sendable, Hashable {
    /// A user of the proxy.
    struct User: Sendable, Hashable {
        let name: String
        let password: String
    }

    /// The name or the address, an IPv6 address without brackets.
    package let host: String

    /// The TCP port.
    package let port: Int

    let user: User?

    /// Reads a URL such as `http://proxy.example.com:3128`, also with a user and a password, or HOST:PORT.
    ///
    /// - Throws: `StepFailure` that says what is wrong with it, without the password.
    package init(_ text: String) throws(StepFailure) {
        let text = text.contains("://") ? text : "http://" + text
        guard text.lowercased().hasPrefix("http://") else {
            let scheme = text.prefix { $0 != ":" }
            throw .final("a proxy is reached by http://HOST:PORT, not by '\(scheme)://'")
        }
        var authority = text.dropFirst("http://".count).prefix { !"/?#".contains($0) }
        var user: User?
        if let at = authority.lastIndex(of: "@") {
            let parts = authority[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
                .map { $0.removingPercentEncoding ?? String($0) }
            user = User(name: parts.first ?? "", password: parts.count > 1 ? parts[1] : "")
            authority = authority[authority.index(after: at)...]
        }
        let url = try RequestURL("http://\(authority)/", source: "http://\(authority)")
        self.host = url.host
        self.port = url.port
        self.user = user
    }

    /// The proxy as people read it, without its user.
    package var name: String { "http://\(host.contains(":") ? "[\(host)]" : host):\(port)" }
}
