package import CountersignCore

/// Which requests go through which proxy, as the variables `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` say it to
/// other programs.
///
/// Requests to this machine go through none. `NO_PROXY` is a list of names (with their subdomains), names that begin with a
/// dot (subdomains only), addresses and networks, each with a port or without; `*` is all of them.
package struct ProxyRules: Sendable {
    /// A variable that holds a proxy.
    private struct Variable: Sendable {
        let name: String
        let proxy: Result<ProxyServer, StepFailure>
    }

    private let encrypted: Variable?
    private let plain: Variable?
    private let exceptions: [Exception]

    /// No proxy for anything.
    package static let none = ProxyRules(variables: [:])

    /// The rules of these environment variables; a name in lower case counts before the same in capitals.
    package init(variables: [String: String]) {
        func variable(_ names: String...) -> Variable? {
            for name in names.flatMap({ [$0.lowercased(), $0] }) {
                guard let text = variables[name], !text.isEmpty else { continue }
                return Variable(name: name, proxy: Result { () throws(StepFailure) in try ProxyServer(text) })
            }
            return nil
        }
        encrypted = variable("HTTPS_PROXY", "ALL_PROXY")
        // In a CGI program HTTP_PROXY is a header of the request (CVE-2016-5385); this is none.
        plain = variable("HTTP_PROXY", "ALL_PROXY")
        let list = variables["no_proxy"] ?? variables["NO_PROXY"] ?? ""
        exceptions = list.split { ", ".contains($0) }.map { Exception(String($0)) }
    }

    /// The proxy for a request; nil where it goes there directly.
    ///
    /// - Throws: `StepFailure` where the variable names a proxy that cannot be used.
    package func proxy(for url: RequestURL) throws(StepFailure) -> ProxyServer? {
        guard !Self.isThisMachine(url.host), !exceptions.contains(where: { $0.covers(url) }),
            let variable = url.isEncrypted ? encrypted : plain
        else { return nil }
        do throws(StepFailure) {
            return try variable.proxy.get()
        } catch {
            throw .final("the variable \(variable.name) cannot be used: \(error.reason)")
        }
    }

    /// The proxies that there are, each behind the name of its variable, and what is wrong with a variable.
    package var findings: [(variable: String, proxy: Result<String, StepFailure>)] {
        [encrypted, plain].compactMap { $0 }.map { ($0.name, $0.proxy.map(\.name)) }
    }

    private static func isThisMachine(_ host: String) -> Bool {
        let name = HostPattern.normalized(host)
        return name == "localhost" || name.hasSuffix(".localhost")
            || NetworkPrefix.loopback.contains { network in
                IPAddress(host).map { network.contains($0) } ?? false
            }
    }

    /// An entry of `NO_PROXY`.
    private struct Exception: Sendable {
        private let text: String
        private let port: Int?
        private let network: NetworkPrefix?
        private let address: IPAddress?

        init(_ entry: String) {
            let entry = entry.lowercased()
            network = NetworkPrefix(entry)
            if IPAddress(entry) == nil, let colon = entry.lastIndex(of: ":"),
                let port = Int(entry[entry.index(after: colon)...])
            {
                self.port = port
                text = String(entry[..<colon])
            } else {
                port = nil
                text = entry
            }
            let bare = text.hasPrefix("[") && text.hasSuffix("]") ? String(text.dropFirst().dropLast()) : text
            address = IPAddress(bare)
        }

        func covers(_ url: RequestURL) -> Bool {
            if text == "*" { return true }
            guard port == nil || port == url.port else { return false }
            let host = HostPattern.normalized(url.host)
            if let target = IPAddress(url.host) { return target == address || network?.contains(target) ?? false }
            let name = text.hasPrefix("*.") ? String(text.dropFirst()) : text
            return name.hasPrefix(".") ? host.hasSuffix(name) : host == name || host.hasSuffix(".\(name)")
        }
    }
}

/// Which proxy requests go through.
package enum ProxyChoice: Sendable {
    /// None.
    case none
    /// As environment variables say.
    case environment(ProxyRules)
    /// This one, for all requests; asked for each, since its password is a secret that may change.
    case server(@Sendable () throws(StepFailure) -> ProxyServer)

    /// The proxy for a request; nil where it goes there directly.
    func proxy(for url: RequestURL) throws(StepFailure) -> ProxyServer? {
        switch self {
        case .none: nil
        case .environment(let rules): try rules.proxy(for: url)
        case .server(let server): try server()
        }
    }
}
