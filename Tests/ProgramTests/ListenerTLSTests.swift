import AsyncHTTPClient
import CountersignTesting
import Foundation
import NIOCore
import NIOHTTP1
import NIOSSL
import Subprocess
import Testing

/// `tls:` in the settings: callbacks over TLS, without a proxy.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct ListenerTLSTests {
    private static let settings = "tls: { certificate: cert.pem, key: key.pem }\n"

    /// Has OpenSSL's command make a certificate that signs itself, as an operator would.
    private func makeCertificate(in deployment: Deployment, days: Int = 90, as name: String = "") async throws {
        let result = try await Subprocess.run(
            .name("openssl"),
            arguments: [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
                deployment.path("\(name)key.pem"), "-out", deployment.path("\(name)cert.pem"), "-days", "\(days)",
                "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
            ],
            output: .discarded,
            error: .discarded
        )
        #expect(result.terminationStatus.isSuccess)
    }

    /// Posts a callback over TLS to who must show the certificate in `file`; gives the status.
    private func post(to server: RunningServer, trusting file: String) async throws -> UInt {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.trustRoots = .file(file)
        let client = HTTPClient(configuration: HTTPClient.Configuration(tlsConfiguration: tls))
        let status: Result<UInt, any Error>
        do {
            var request = HTTPClientRequest(url: "https://localhost:\(server.port)/callback")
            request.method = .POST
            request.headers.add(name: "Authorization", value: "Basic \(Deployment.key)")
            request.body = .bytes(ByteBuffer(string: event()))
            status = .success(try await client.execute(request, timeout: .seconds(20)).status.code)
        } catch {
            status = .failure(error)
        }
        try await client.shutdown()
        return try status.get()
    }

    @Test func `callbacks arrive over TLS, and a new certificate counts without a restart`() async throws {
        let deployment = try Deployment(rules: nil, settings: Self.settings)
        try await makeCertificate(in: deployment)
        try await makeCertificate(in: deployment, as: "new-")
        let (status, _) = try await deployment.serve { server in
            let old = try await post(to: server, trusting: deployment.path("cert.pem"))
            #expect(old == 200)
            let trusted = deployment.path("new-cert.pem")
            await #expect(throws: (any Error).self) { _ = try await post(to: server, trusting: trusted) }
            _ = try await server.log.line(
                with: "Request refused",
                "the sender does not trust the certificate",
                "127.0.0.1"
            )
            try deployment.write(try #require(deployment.text(of: "new-cert.pem")), to: "cert.pem")
            try deployment.write(try #require(deployment.text(of: "new-key.pem")), to: "key.pem")
            server.hangUp()
            _ = try await server.log.line(with: "Certificate exchanged")
            let new = try await post(to: server, trusting: trusted)
            #expect(new == 200)
            // Half of a pair, as a renewal that was cut off leaves it.
            try deployment.write("no certificate", to: "cert.pem")
            server.hangUp()
            _ = try await server.log.line(
                with: "Certificate refused, the previous one stays active",
                "contains no certificate"
            )
            let same = try await post(to: server, trusting: trusted)
            #expect(same == 200)
        }
        #expect(status == .exited(0))
    }

    @Test func `who speaks no TLS gets no answer, and nobody else notices`() async throws {
        let deployment = try Deployment(rules: nil, settings: Self.settings)
        try await makeCertificate(in: deployment, days: 3)
        let (status, _) = try await deployment.serve { server in
            _ = try await server.log.line(with: "Certificate expires soon")
            await #expect(throws: (any Error).self) { try await server.post(event()) }
            _ = try await server.log.line(with: "Request refused", "plain HTTP on a TLS port")
            let answer = try await post(to: server, trusting: deployment.path("cert.pem"))
            #expect(answer == 200)
        }
        #expect(status == .exited(0))
    }

    @Test(arguments: [
        ("tls: { certificate: cert.pem }", "'tls' requires both"),
        ("tls: { certificate: gone.pem, key: key.pem }", "gone.pem' cannot be read"),
        ("tls: { certificate: key.pem, key: key.pem }", "contains no certificate"),
        ("tls: { certificate: cert.pem, key: cert.pem }", "contains no private key"),
        ("tls: { certificate: cert.pem, key: other-key.pem }", "does not match the first certificate"),
    ])
    func `files that cannot be used end the start with 2 and a sentence`(settings: String, part: String) async throws {
        let deployment = try Deployment(rules: nil, settings: settings)
        try await makeCertificate(in: deployment)
        try await makeCertificate(in: deployment, as: "other-")
        let outcome = try await deployment.run("serve")
        #expect(outcome.status == .exited(2))
        #expect(outcome.errors.contains(part), "\(outcome.errors)")
    }
}
