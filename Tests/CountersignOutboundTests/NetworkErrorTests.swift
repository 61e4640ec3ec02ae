import CountersignCore
import CountersignOutbound
import CountersignTesting
import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import Testing

/// What goes wrong for HTTP and for SMTP alike is of one kind and told in the same words.
@Suite(.timeLimit(.minutes(1)))
struct NetworkErrorTests {
    /// A server that both ask.
    private struct Endpoint {
        var host = "127.0.0.1"
        var port: Int
        var tls: TLSConfiguration?
        var patience = Duration.seconds(20)
    }

    private static let names = KnownNames(names: ["erp.internal": ["127.0.0.1"], "crm.internal": ["127.0.0.1"]])

    private static func resolver(for host: String) -> any NameResolving {
        host.hasSuffix(".internal") ? names : SystemResolver()
    }

    private static func overHTTP(_ endpoint: Endpoint) async throws -> ExchangeError {
        try await HTTPClientSender.with(resolver: resolver(for: endpoint.host), tls: endpoint.tls) { sender in
            let url = "\(endpoint.tls == nil ? "http" : "https")://\(endpoint.host):\(endpoint.port)/"
            let request = OutgoingRequest(method: "GET", url: url, timeout: endpoint.patience)
            return try #require(
                await #expect(throws: ExchangeError.self) { _ = try await sender.send(request) }
            )
        }
    }

    private static func overSMTP(_ endpoint: Endpoint) async throws -> StepFailure {
        let server = MailServer(
            host: endpoint.host,
            port: endpoint.port,
            security: endpoint.tls == nil ? .none : .tls,
            from: try MailAddress("c@example.com", source: "c")
        )
        let sender = SMTPSender(
            server: server,
            resolver: resolver(for: endpoint.host),
            tls: endpoint.tls,
            patience: endpoint.patience
        )
        return try #require(await #expect(throws: StepFailure.self) { try await sender.probe() })
    }

    private func expectBoth(_ kind: NetworkError.Kind, _ words: String, _ endpoint: Endpoint) async throws {
        try await expectOverHTTP(kind, words, endpoint)
        try await expectOverSMTP(words, endpoint)
    }

    private func expectOverHTTP(_ kind: NetworkError.Kind, _ words: String, _ endpoint: Endpoint) async throws {
        let error = try await Self.overHTTP(endpoint)
        #expect(error.network?.kind == kind)
        #expect(error.network?.description.hasPrefix(words) == true, "\(error.reason)")
        #expect(error.isPassing && error.isOutage)
    }

    private func expectOverSMTP(_ words: String, _ endpoint: Endpoint) async throws {
        let failure = try await Self.overSMTP(endpoint)
        #expect(failure.reason.contains(": \(words)"), "\(failure.reason)")
        #expect(failure.isWorthRetrying && failure.isOutage)
    }

    // MARK: No connection

    @Test func `a name that nobody has`() async throws {
        try await expectBoth(
            .nameNotFound,
            "its name cannot be resolved",
            Endpoint(host: "nobody.invalid", port: 9)
        )
    }

    @Test func `a port on which nobody listens`() async throws {
        try await DeafPort.with { port in
            try await expectBoth(.refused, "no connection: connection refused", Endpoint(port: Int(port)))
        }
    }

    @Test func `a program with as many files open as it may have blames nobody else`() async {
        await #expect(processExitsWith: .success) {
            try await DeafPort.with { port in
                let endpoint = Endpoint(port: Int(port))
                // All that is opened once is open by then.
                _ = try await Self.overHTTP(endpoint)
                _ = try await Self.overSMTP(endpoint)
                var limit = rlimit()
                getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
                limit.rlim_cur = 3
                setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
                let error = try await Self.overHTTP(endpoint)
                let failure = try await Self.overSMTP(endpoint)
                let words = "no connection: too many open files"
                try #require(error.network?.kind == .tooManyDescriptors && error.reason == words, "\(error.reason)")
                try #require(failure.reason.hasSuffix(words), "\(failure.reason)")
                try #require(!error.isOutage && !failure.isOutage && error.isPassing && failure.isWorthRetrying)
            }
        }
    }

    // MARK: An exchange that ends early

    @Test func `a server that says nothing`() async throws {
        try await PeerServer.with(.silent, waits: true) { port in
            try await expectBoth(
                .timedOut,
                "no answer within 50ms",
                Endpoint(port: port, patience: .milliseconds(50))
            )
        }
    }

    @Test func `a connection that is thrown away`() async throws {
        let words = "the connection broke: connection reset by peer"
        try await PeerServer.with(.resetting, waits: true) { port in
            try await expectOverHTTP(.reset, words, Endpoint(port: port))
        }
        try await PeerServer.with(.resetting, waits: false) { port in
            try await expectOverSMTP(words, Endpoint(port: port))
        }
    }

    @Test func `a connection that is closed before the answer`() async throws {
        let words = "the connection was closed before the response was complete"
        try await PeerServer.with(.closing, waits: true) { port in
            try await expectOverHTTP(.closedEarly, words, Endpoint(port: port))
        }
        try await PeerServer.with(.closing, waits: false) { port in
            try await expectOverSMTP(words, Endpoint(port: port))
        }
    }

    @Test func `an answer of no protocol`() async throws {
        try await PeerServer.with(.babbling, waits: true) { port in
            try await expectOverHTTP(.malformed, "its response is not valid HTTP/1.1", Endpoint(port: port))
        }
        try await PeerServer.with(.babbling, waits: false) { port in
            try await expectOverSMTP("it does not speak SMTP", Endpoint(port: port))
        }
    }

    // MARK: TLS

    @Test func `a certificate that no known authority has signed`() async throws {
        try await TLSServer.with(try await TestCertificate.make(for: "erp.internal")) { port in
            try await expectBoth(
                .unknownAuthority,
                "its certificate was signed by an unknown certificate authority (name a private one in 'http.ca_file')",
                Endpoint(host: "erp.internal", port: port, tls: .outgoing)
            )
        }
    }

    @Test func `a certificate that has expired`() async throws {
        let certificate = try TestCertificate.expired
        var tls = TLSConfiguration.outgoing
        tls.additionalTrustRoots = [.certificates(certificate.chain)]
        try await TLSServer.with(certificate) { port in
            try await expectBoth(
                .certificateExpired,
                "its certificate expired on 2021-01-01",
                Endpoint(host: "erp.internal", port: port, tls: tls)
            )
        }
    }

    @Test func `a certificate for another name`() async throws {
        let certificate = try await TestCertificate.make(for: "erp.internal")
        var tls = TLSConfiguration.outgoing
        tls.additionalTrustRoots = [.certificates(certificate.chain)]
        try await TLSServer.with(certificate) { port in
            try await expectBoth(
                .certificateForAnotherName,
                "its certificate is for another name",
                Endpoint(host: "crm.internal", port: port, tls: tls)
            )
        }
    }

    @Test func `a server that speaks no TLS`() async throws {
        try await PeerServer.with(.babbling, waits: true) { port in
            try await expectBoth(
                .notTLS,
                "it does not support TLS on this port",
                Endpoint(port: port, tls: .outgoing)
            )
        }
    }

    @Test func `a server that closes in the middle of the handshake`() async throws {
        try await PeerServer.with(.closing, waits: true) { port in
            try await expectBoth(
                .closedEarly,
                "the connection was closed during the TLS handshake",
                Endpoint(port: port, tls: .outgoing)
            )
        }
    }

    @Test func `a server with which no version of TLS can be agreed upon`() async throws {
        var tls = TLSConfiguration.outgoing
        tls.minimumTLSVersion = .tlsv13
        let certificate = try await TestCertificate.make(for: "erp.internal")
        try await TLSServer.with(certificate, newest: .tlsv12) { port in
            try await expectBoth(
                .tls,
                "TLS negotiation failed: ",
                Endpoint(host: "erp.internal", port: port, tls: tls)
            )
        }
    }

    // MARK: What servers see

    @Test func `a client that does not trust the certificate`() async throws {
        let (errors, error) = AsyncStream.makeStream(of: NetworkError.self)
        let certificate = try await TestCertificate.make(for: "erp.internal")
        try await TLSServer.with(certificate, errors: error) { port in
            let endpoint = Endpoint(host: "erp.internal", port: port, tls: .outgoing)
            _ = try await Self.overHTTP(endpoint)
            let seen = await errors.first { _ in true }
            #expect(seen?.kind == .certificateRejected)
            #expect(seen?.description == "it does not trust the certificate")
        }
    }

    @Test func `a client that speaks plain HTTP where TLS is spoken`() async throws {
        let (errors, error) = AsyncStream.makeStream(of: NetworkError.self)
        let certificate = try await TestCertificate.make(for: "erp.internal")
        try await TLSServer.with(certificate, errors: error) { port in
            _ = try await Self.overHTTP(Endpoint(port: port))
            let seen = await errors.first { _ in true }
            #expect(seen?.kind == .notTLS)
            #expect(seen?.description == "plain HTTP on a TLS port")
        }
    }

    @Test func `an address at which another program listens`() async throws {
        try await PeerServer.with(.silent, waits: true) { port in
            let error = await #expect(throws: (any Error).self) {
                let second = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                    .bind(host: "127.0.0.1", port: port).get()
                try await second.close()
            }
            let seen = NetworkError(try #require(error))
            #expect(seen.kind == .addressInUse && seen.code == EADDRINUSE)
            #expect(seen.cause == "address already in use")
        }
    }

    // MARK: What cannot be made on one machine

    @Test(arguments: [EHOSTUNREACH, ENETUNREACH, EADDRNOTAVAIL])
    func `an address to which no way leads`(code: CInt) {
        let error = NetworkError(IOError(errnoCode: code, reason: "connect"))
        #expect(error.kind == .unreachable && error.isBeforeConnection && error.isOutage)
        #expect(error.description.hasPrefix("no connection: "))
    }

    @Test func `a connection that takes too long`() {
        let error = NetworkError(ChannelError.connectTimeout(.seconds(10)))
        #expect(error.kind == .timedOut && error.isBeforeConnection)
        #expect(error.description == "no connection within 10s")
    }
}
