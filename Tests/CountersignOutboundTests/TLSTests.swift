import CountersignCore
import CountersignOutbound
import CountersignTesting
import NIOSSL
import Testing

/// Requests over TLS: certificates are always checked, against the name.
@Suite(.timeLimit(.minutes(1)))
struct TLSTests {
    private let names = KnownNames(names: ["erp.internal": ["127.0.0.1"], "crm.internal": ["127.0.0.1"]])

    /// What sending a request to a server of `certificate` comes to.
    private func exchange(
        with host: String = "erp.internal",
        certificate: TestCertificate,
        trusting roots: [NIOSSLCertificate] = []
    ) async throws -> Result<IncomingAnswer, ExchangeError> {
        var tls = TLSConfiguration.outgoing
        tls.additionalTrustRoots = [.certificates(roots)]
        return try await TLSServer.with(certificate) { port in
            try await HTTPClientSender.with(resolver: names, tls: tls) { sender in
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
        let certificate = try await TestCertificate.make(for: "erp.internal")
        let answer = try await exchange(certificate: certificate, trusting: certificate.chain).get()
        #expect(answer.status == 204)
    }

    @Test(arguments: [
        ["-newkey", "ed25519"], ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp521r1"],
        ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp384r1"], ["-newkey", "rsa:2048"],
    ])
    func `a certificate with any usual kind of key is trusted`(key: [String]) async throws {
        let certificate = try await TestCertificate.make(for: "erp.internal", key: key)
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
        let result = try await exchange(certificate: try await TestCertificate.make(for: "erp.internal"))
        #expect(reason(result)?.contains("'http.ca_file'") == true)
    }

    @Test func `a certificate for another name is refused`() async throws {
        let certificate = try await TestCertificate.make(for: "erp.internal")
        let result = try await exchange(with: "crm.internal", certificate: certificate, trusting: certificate.chain)
        #expect(reason(result)?.contains("for another name") == true)
    }

    @Test func `a certificate that has expired is refused`() async throws {
        let certificate = try TestCertificate.expired
        let result = try await exchange(certificate: certificate, trusting: certificate.chain)
        #expect(reason(result)?.contains("expired") == true)
    }

    @Test func `a server that speaks no TLS is reported as such`() async throws {
        try await RecordingServer.with([.status(200)]) { server in
            try await HTTPClientSender.with { sender in
                let url = server.url.replacing("http://", with: "https://")
                let error = await #expect(throws: ExchangeError.self) {
                    _ = try await sender.send(OutgoingRequest(method: "GET", url: url))
                }
                #expect(error?.reason.contains("does not support TLS") == true)
            }
        }
    }
}
