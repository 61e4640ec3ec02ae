import Glibc

/// Where the server listens and how much it puts up with.
package struct ListenerSettings: Sendable {
    /// The address or host name to listen on.
    package var host: String

    /// The port to listen on; 0 lets the system choose one.
    package var port: Int

    /// A socket that listens already, in the place of `host` and `port`; nil to make one.
    package var socket: CInt?

    /// The certificate with which connections are taken over TLS; nil for plain HTTP.
    package var certificate: ServerCertificate?

    /// The paths that callbacks are posted to.
    package var endpoints: [CallbackEndpoint]

    /// The proxies whose word about who the client is counts.
    package var trustedProxies: TrustedProxies

    /// The bytes that the body of a callback may have.
    package var maximumBody: Int

    /// The bytes that the bodies of all requests under way may have together; those beyond wait unread.
    package var maximumPendingBodies: Int

    /// How many connections may be open; further ones wait in the system's queue.
    package var maximumConnections: Int

    /// How long a connection may be silent between requests, or within one.
    package var idleTimeout: Duration

    /// How long a request may take to arrive whole, however steadily it trickles in.
    package var requestDeadline: Duration

    /// How long a first request is waited for while the program stops: who has connected is about to send one.
    package var patience: Duration

    /// How long the store may take; well below the 20 seconds after which OneSpan Sign gives up.
    package var commitDeadline: Duration

    /// Settings; by default only this machine can connect, over plain HTTP.
    package init(
        host: String = "127.0.0.1",
        port: Int = 8_080,
        socket: CInt? = nil,
        certificate: ServerCertificate? = nil,
        endpoints: [CallbackEndpoint] = [],
        trustedProxies: TrustedProxies = TrustedProxies(),
        maximumBody: Int = 1 << 20,
        maximumPendingBodies: Int = 64 << 20,
        maximumConnections: Int = 1_024,
        idleTimeout: Duration = .seconds(30),
        requestDeadline: Duration = .seconds(30),
        patience: Duration = .seconds(1),
        commitDeadline: Duration = .seconds(8)
    ) {
        self.host = host
        self.port = port
        self.socket = socket
        self.certificate = certificate
        self.endpoints = endpoints
        self.trustedProxies = trustedProxies
        self.maximumBody = maximumBody
        self.maximumPendingBodies = maximumPendingBodies
        self.maximumConnections = maximumConnections
        self.idleTimeout = idleTimeout
        self.requestDeadline = requestDeadline
        self.patience = patience
        self.commitDeadline = commitDeadline
    }
}

/// A path that callbacks are posted to, and who may post there.
package struct CallbackEndpoint: Sendable {
    /// The path, such as `/callback`.
    package let path: String

    /// The name of the account whose callbacks come here; empty for the only one.
    package let account: String

    /// Who may post.
    package let authenticator: CallbackAuthenticator

    /// An endpoint at `path`.
    package init(path: String = "/callback", account: String = "", authenticator: CallbackAuthenticator) {
        self.path = path
        self.account = account
        self.authenticator = authenticator
    }
}

/// Why the server did not start.
package enum ListenerError: Error, Equatable {
    /// `code` is the number of the system's reason (errno), where it is one.
    case cannotListen(host: String, port: Int, code: CInt?, reason: String)
}

extension ListenerError: CustomStringConvertible {
    /// What happened and what to do, with the address.
    package var description: String {
        switch self {
        case .cannotListen(let host, let port, let code, let reason):
            "cannot listen on \(host.contains(":") ? "[\(host)]" : host):\(port): \(reason); \(Self.counterfactual(for: code))"
        }
    }

    private static func counterfactual(for code: CInt?) -> String {
        switch code {
        case EADDRINUSE: "stop the program that listens there, or set another port in 'listen'"
        case EADDRNOTAVAIL: "set an address of this machine in 'listen', or 0.0.0.0 for all"
        case EACCES:
            "ports below 1024 require a privilege: let systemd listen (countersign.socket), or set a higher port in 'listen'"
        default: "set another address in 'listen'"
        }
    }
}
