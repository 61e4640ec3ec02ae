import CountersignActions
import CountersignCore
import CountersignTesting
import NIOCore
import NIOPosix
import NIOSSL
import Testing

/// Requests over TLS: certificates are always checked, against the name.
@Suite(.timeLimit(.minutes(1)))
struct TLSTests {
    private let names = KnownNames(names: ["erp.internal": ["127.0.0.1"], "crm.internal": ["127.0.0.1"]])

    /// What sending a request to a server of `certificate` comes to.
    private func exchange(
        with host: String = "erp.internal",
        certificate: Certificate,
        trusting roots: [NIOSSLCertificate] = []
    ) async throws -> Result<IncomingAnswer, ExchangeError> {
        var tls = TLSConfiguration.outgoing
        tls.additionalTrustRoots = [.certificates(roots)]
        return try await TLSServer.with(certificate) { port in
            try await withClient(resolver: names, tls: tls) { sender in
                do throws(ExchangeError) {
                    return .success(try await sender.send(.init(method: "GET", url: "https://\(host):\(port)/")))
                } catch {
                    return .failure(error)
                }
            }
        }
    }

    private func reason(_ result: Result<IncomingAnswer, ExchangeError>) -> String? {
        if case .failure(let error) = result { error.reason } else { nil }
    }

    @Test func `a certificate of a private authority is trusted when the authority is named`() async throws {
        let certificate = try await Certificate.make(for: "erp.internal")
        let answer = try await exchange(certificate: certificate, trusting: certificate.chain).get()
        #expect(answer.status == 204)
    }

    @Test(arguments: [
        ["-newkey", "ed25519"], ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp521r1"],
        ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp384r1"], ["-newkey", "rsa:2048"],
    ])
    func `a certificate with any usual kind of key is trusted`(key: [String]) async throws {
        let certificate = try await Certificate.make(for: "erp.internal", key: key)
        let answer = try await exchange(certificate: certificate, trusting: certificate.chain).get()
        #expect(answer.status == 204)
    }

    @Test func `a failure names nothing of the machine on which the program was built`() {
        let texts = [
            ("error:WRONG at /build/.build/checkouts/swift-nio-ssl/ssl/a.cc:231]", "error:WRONG]"),
            ("Fatal at /src/File.swift:7: no", "Fatal: no"),
            ("'/etc/ssl/x.pem' is missing", "'/etc/ssl/x.pem' is missing"),
        ]
        for (text, shown) in texts { #expect(text.withoutBuildPaths == shown) }
    }

    @Test func `a certificate that nobody known has signed is refused, with what to do`() async throws {
        let result = try await exchange(certificate: try await Certificate.make(for: "erp.internal"))
        #expect(reason(result)?.contains("'http.ca_file'") == true)
    }

    @Test func `a certificate for another name is refused`() async throws {
        let certificate = try await Certificate.make(for: "erp.internal")
        let result = try await exchange(with: "crm.internal", certificate: certificate, trusting: certificate.chain)
        #expect(reason(result)?.contains("for another name") == true)
    }

    @Test func `a certificate that has expired is refused`() async throws {
        let certificate = try Certificate.expired
        let result = try await exchange(certificate: certificate, trusting: certificate.chain)
        #expect(reason(result)?.contains("expired") == true)
    }

    @Test func `a server that speaks no TLS is reported as such`() async throws {
        try await RecordingServer.with([.status(200)]) { server in
            try await withClient { sender in
                let url = server.url.replacing("http://", with: "https://")
                let error = await #expect(throws: ExchangeError.self) {
                    _ = try await sender.send(OutgoingRequest(method: "GET", url: url))
                }
                #expect(error?.reason.contains("does not support TLS") == true)
            }
        }
    }
}

/// A certificate that signs itself, and its key.
struct Certificate {
    let chain: [NIOSSLCertificate]
    let key: NIOSSLPrivateKey

    /// One for `erp.internal` that ended with the year 2020; no command makes such a one.
    static var expired: Certificate {
        get throws {
            let certificate = """
                -----BEGIN CERTIFICATE-----
                MIIBSDCB76ADAgECAgEBMAoGCCqGSM49BAMCMBcxFTATBgNVBAMMDGVycC5pbnRl
                cm5hbDAeFw0yMDAxMDEwMDAwMDBaFw0yMTAxMDEwMDAwMDBaMBcxFTATBgNVBAMM
                DGVycC5pbnRlcm5hbDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABA1I48cm13eH
                IaAniU8tn11nV9aLZ43vk8mmrgurXH4lQbvLOxvCzvfAmrv5HbbMlvO08MIXKp/a
                hbb69sS4Wh+jLDAqMBcGA1UdEQQQMA6CDGVycC5pbnRlcm5hbDAPBgNVHRMBAf8E
                BTADAQH/MAoGCCqGSM49BAMCA0gAMEUCIQCBCr1x5peGxd6yLwty7SYmjptPCGDn
                +xXmsBLgiY5jYwIgXKUlSCHhRatYUHIowTgmyom1nAU1xlNytzMoBDBcOBg=
                -----END CERTIFICATE-----
                """
            let key = """
                -----BEGIN PRIVATE KEY-----
                MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg/LIQ+RDP0LsUFmoE
                h7dyvn440nHqClc+uMO3rTM6+1OhRANCAAQNSOPHJtd3hyGgJ4lPLZ9dZ1fWi2eN
                75PJpq4Lq1x+JUG7yzsbws73wJq7+R22zJbztPDCFyqf2oW2+vbEuFof
                -----END PRIVATE KEY-----
                """
            return Certificate(
                chain: try NIOSSLCertificate.fromPEMBytes(Array(certificate.utf8)),
                key: try NIOSSLPrivateKey(bytes: Array(key.utf8), format: .pem)
            )
        }
    }

    /// Made by OpenSSL's command, as an operator would.
    static func make(
        for host: String,
        key: [String] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    ) async throws -> Certificate {
        let folder = try TemporaryFolder()
        let result = try await SystemProcesses()
            .run(
                ProcessRequest(
                    program: "openssl",
                    arguments: ["req", "-x509"] + key + [
                        "-nodes", "-keyout", "key.pem", "-out", "cert.pem", "-days", "2", "-subj", "/CN=\(host)",
                        "-addext",
                        "subjectAltName=DNS:\(host)",
                    ],
                    directory: folder.path
                )
            )
        #expect(result.ending == .exited(0), "\(result.errors.text)")
        return Certificate(
            chain: try NIOSSLCertificate.fromPEMFile(folder.path("cert.pem")),
            key: try NIOSSLPrivateKey(file: folder.path("key.pem"), format: .pem)
        )
    }
}

/// A server that answers every request with 204 over TLS.
private enum TLSServer {
    static func with<T>(_ certificate: Certificate, _ body: (Int) async throws -> T) async throws -> T {
        let configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: certificate.chain.map { .certificate($0) },
            privateKey: .privateKey(certificate.key)
        )
        let context = try NIOSSLContext(configuration: configuration)
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
                    try channel.pipeline.syncOperations.addHandler(Answerer())
                }
            }
            .bind(host: "127.0.0.1", port: 0)
            .get()
        let result: Result<T, any Error>
        do {
            result = .success(try await body(channel.localAddress?.port ?? 0))
        } catch {
            result = .failure(error)
        }
        try await channel.close()
        return try result.get()
    }

    private final class Answerer: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let answer = ByteBuffer(string: "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
            context.writeAndFlush(wrapOutboundOut(answer), promise: nil)
        }

        // A client that refuses the certificate goes away in the middle.
        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            context.close(promise: nil)
        }
    }
}
