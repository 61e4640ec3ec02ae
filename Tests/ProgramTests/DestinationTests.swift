import CountersignCore
import CountersignTesting
import Foundation
import NIOSSL
import Subprocess
import Synchronization
import SystemPackage
import Testing

/// Destinations of the settings, as the whole program uses them.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct DestinationTests {
    private static let rules = """
        rules:
          - id: tell
            when: { event: PACKAGE_COMPLETE }
            then: [{ http: { to: crm, path: "/contracts/${event.packageId}", json: { status: signed } } }]
        """

    private static func settings(_ destination: String) -> String {
        "destinations:\n  crm: {\(destination)}\n"
    }

    @Test(arguments: [
        ("url: 'https://crm.example.com', rate: 60", "'rate' must be a number, '/' and a duration"),
        (
            "url: 'https://crm.example.com', auth: { bearer: t0p }",
            "'destinations.crm.auth.bearer' stands in the settings in clear"
        ),
        ("url: 'https://crm.example.com?a=b'", "'destinations.crm.url' has a query or a fragment"),
        ("url: 'https://169.254.169.254/'", "'destinations.crm.url' cannot be used"),
        ("auth: { bearer: '${secret:A}' }", "'crm' needs the option 'url'"),
        ("url: 'https://crm.example.com', proxy: 'socks5://p'", "'destinations.crm.proxy' cannot be used"),
        ("url: 'http://crm.example.com', ca: ca.pem", "'destinations.crm' has certificates, but its URL is not https"),
        ("url: 'https://crm.example.com', headers: { 'X Y': a }", "'X Y' is not a valid header name"),
        ("url: 'https://crm.example.com', headers: { Idempotency-Key: a }", "is set by Countersign"),
        (
            "url: 'https://crm.example.com', auth: { bearer: '${secret:A}' }, headers: { authorization: b }",
            "'destinations.crm.headers' has 'Authorization', which 'auth' sets"
        ),
        (
            "url: 'https://crm.example.com', auth: { oauth2: { token_url: 'http://x.example/t', client: C } }",
            "the client's secret unencrypted"
        ),
    ])
    func `a destination that cannot be used ends the start with 2 and a sentence`(
        destination: String,
        sentence: String
    ) async throws {
        let outcome = try await Deployment(rules: nil, settings: Self.settings(destination)).run("serve")
        #expect(outcome.status == .exited(2))
        #expect(outcome.errors.contains(sentence), "\(outcome.errors)")
    }

    @Test func `check knows the names, dry-run shows the whole request, and doctor looks at secrets and names`()
        async throws
    {
        let settings = """
            destinations:
              crm:
                url: https://crm.nowhere.invalid/api
                auth: { bearer: "${secret:CRM_TOKEN}" }
                client_certificate: { certificate: gone.pem, key: gone.key }
                headers: { X-Tenant: "${secret:CRM_TENANT}" }
                proxy: http://me:${secret:CRM_TENANT}@127.0.0.1:3128
            """
        let deployment = try Deployment(
            rules: Self.rules.replacing("to: crm", with: "to: crn"),
            settings: settings,
            environment: ["CRM_TENANT": "the-secret-tenant"]
        )
        let check = try await deployment.run("check", "--strict")
        #expect(check.status == .exited(1))
        #expect(
            check.output.contains("rules.yaml:4:26: warning: the settings define no destination 'crn'"),
            "\(check.output)"
        )
        #expect(check.output.contains("did you mean 'crm'?"))
        try deployment.write(Self.rules, to: "rules/rules.yaml")
        #expect(try await deployment.run("check", "--strict").status == .exited(0))

        let dryRun = try await deployment.run("dry-run", "PACKAGE_COMPLETE", "--json")
        let plan = try dryRun.json.first?["rules"]?.array?.first?["steps"]?.array?.first?["plan"]
        let url = "https://crm.nowhere.invalid/api/contracts/"
        #expect(plan?["url"]?.string?.hasPrefix(url) == true && plan?["to"] == "crm", "\(dryRun.output)")
        #expect(plan?["auth"] == "bearer" && plan?["client_certificate"] == true)
        #expect(plan?["proxy"] == "http://127.0.0.1:3128" && plan?["headers"]?["X-Tenant"] == "•••")
        #expect(!dryRun.output.contains("the-secret-tenant"))

        let doctor = try await deployment.run("doctor")
        #expect(doctor.output.contains("the secret 'CRM_TOKEN' is not set"), "\(doctor.output)")
        #expect(doctor.output.contains("'crm' cannot be used: '\(deployment.path("gone.pem"))' cannot be read"))
        try deployment.write(settings.replacing("proxy: ", with: "# "), to: "countersign.yaml")
        let other = try await deployment.run("doctor")
        #expect(other.output.contains("'crm.nowhere.invalid' cannot be reached: its name cannot be resolved"))
        #expect(!doctor.output.contains("the-secret-tenant"))
    }

    @Test func `a client certificate is shown, and only the destination's own authority is trusted`() async throws {
        let deployment = try Deployment(rules: Self.rules)
        let pem = try await certificates(in: deployment)
        let answer: @Sendable (RecordingServer.Request) -> RecordingServer.Answer = { _ in .status(204) }
        try await RecordingServer.with(tls: pem, answering: answer) { server in
            let url = server.url.replacing("127.0.0.1", with: "localhost")
            let settings = Self.settings(
                "url: '\(url)', client_certificate: { certificate: c.pem, key: c.key }, ca: ca.pem"
            )
            try deployment.write(settings, to: "countersign.yaml")
            let doctor = try await deployment.run("doctor")
            #expect(doctor.output.contains("its client certificate expires in 1 days"), "\(doctor.output)")
            _ = try await deployment.serve { running in
                try await running.post(event())
                await server.waitForRequest()
            }
            #expect(server.requests.first?.uri == "/contracts/p-1")
        }
    }

    /// Writes an authority, a certificate of a client and one for `localhost`, which asks for a client's.
    private func certificates(in deployment: Deployment) async throws -> NIOSSLContext {
        let script = """
            set -e
            new() { openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$1" "${@:2}"; }
            new ca -x509 -keyout ca.key -out ca.pem -days 2
            for name in c s; do
                new $name -keyout $name.key -out $name.csr
                printf 'subjectAltName=DNS:localhost\\n' > ext
                openssl x509 -req -in $name.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out $name.pem
            done
            """
        let result = try await Subprocess.run(
            .name("bash"),
            arguments: ["-c", script],
            workingDirectory: .init(deployment.folder.path),
            output: .discarded,
            error: .discarded
        )
        #expect(result.terminationStatus.isSuccess)
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMFile(deployment.path("s.pem")).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: deployment.path("s.key"), format: .pem))
        )
        configuration.trustRoots = .file(deployment.path("ca.pem"))
        configuration.certificateVerification = .noHostnameVerification
        return try NIOSSLContext(configuration: configuration)
    }

    @Test func `runs wait for the rate, a token that ends in between is renewed, and nothing secret is shown`()
        async throws
    {
        let times = Mutex<[ContinuousClock.Instant]>([])
        var script = TokenEndpoint.Script()
        script.lifetime = .seconds(31)
        try await TokenEndpoint.with(script) { endpoint in
            let crm: @Sendable (RecordingServer.Request) -> RecordingServer.Answer = { request in
                let token = request.headers["authorization"]?.dropFirst("Bearer ".count) ?? ""
                guard endpoint.accepts(String(token)) else { return .status(401) }
                let count = times.withLock { times in
                    times.append(.now)
                    return times.count
                }
                if count == 3 { endpoint.revokeAll() }
                return .status(200, body: "hello \(token)")
            }
            try await RecordingServer.with(answering: crm) { server in
                let oauth = "auth: { oauth2: { token_url: '\(endpoint.url)', client: CRM_CLIENT } }"
                let deployment = try Deployment(
                    rules: Self.rules,
                    settings: Self.settings("url: '\(server.url)/api', rate: 5/1s, \(oauth)"),
                    environment: ["CRM_CLIENT_ID": script.id, "CRM_CLIENT_SECRET": script.secret]
                )
                let (_, log) = try await deployment.serve { running in
                    for number in 1...8 { try await running.post(event(package: "p-\(number)")) }
                    try await eventually("all runs have ended") { times.withLock { $0.count } >= 8 }
                    let shown = try await deployment.run("runs", "list", "--json")
                    #expect(!shown.output.contains("token-") && !shown.output.contains(script.secret))
                }
                let uris = Set(server.requests.map(\.uri))
                #expect(uris.count == 8 && uris.contains("/api/contracts/p-8"))
                let all = times.withLock { $0 }
                #expect(all.count == 8 && all[7] - all[0] >= .milliseconds(1_300), "\(all[7] - all[0])")
                #expect(endpoint.requests.count >= 2 && !log.text.contains("token-"))
            }
        }
    }
}
