import CountersignCore
import CountersignTesting
import Foundation
import Testing

/// Mail by XOAUTH2 as the whole program sends it.
extension NotificationTests {
    private static let secret = TokenEndpoint.Script().secret
    private static let rules = """
        rules:
          - id: mail
            when: { event: PACKAGE_COMPLETE }
            then: [{ email: { subject: s, text: t } }]
        """

    private func oauth(_ url: String) -> String {
        "  user: sign@example.com\n  auth: { oauth2: { token_url: \"\(url)\", scope: mail } }\nhttp: { ca_file: mail-cert.pem }"
    }

    @Test func `mail goes with an access token, and neither doctor, dry run nor log show a secret`() async throws {
        let deployment = try Deployment(
            rules: Self.rules,
            environment: ["MAIL_CLIENT_ID": "client-id", "MAIL_CLIENT_SECRET": Self.secret]
        )
        let context = try await certificate(in: deployment)
        try await TokenEndpoint.with { endpoint in
            var script = MailSink.Script()
            script.encryption = .startTLS(context)
            (script.mechanisms, script.user) = (["XOAUTH2"], "sign@example.com")
            script.acceptsToken = { endpoint.accepts($0) }
            try await MailSink.with(script) { sink in
                try deployment.write(settings(port: sink.port, oauth(endpoint.url)), to: "countersign.yaml")
                let (_, log) = try await deployment.serve { server in
                    try await server.post(event())
                    await sink.wait()
                }
                let mail = try #require(sink.mails.first)
                #expect(mail.isEncrypted && mail.user == "sign@example.com")
                #expect(endpoint.requests.map(\.text) == ["grant_type=client_credentials&scope=mail"])
                let doctor = try await deployment.run("doctor")
                #expect(
                    doctor.output.contains(
                        "'localhost:\(sink.port)' accepts the access token for sign@example.com; nothing was sent"
                    ),
                    "\(doctor.output)"
                )
                #expect(endpoint.requests.count == 2 && sink.mails.count == 1)
                let dryRun = try await deployment.run("dry-run", "PACKAGE_COMPLETE", "--json")
                #expect(dryRun.status == .exited(0) && dryRun.output.contains("\"subject\""))
                #expect(endpoint.requests.count == 2)
                for text in [log.text, doctor.output, dryRun.output] {
                    #expect(!text.contains(Self.secret) && !text.contains("token-"))
                }
            }
        }
    }

    @Test func `a secret that the token endpoint repeats is masked, and doctor says which one to check`() async throws {
        let said = #"{"error":"invalid_client","error_description":"a wrong one: old-client-secret"}"#
        let deployment = try Deployment(
            rules: Self.rules,
            environment: ["MAIL_CLIENT_ID": "client-id", "MAIL_CLIENT_SECRET": "old-client-secret"]
        )
        _ = try await certificate(in: deployment)
        try await RecordingServer.with([.status(401, body: said)]) { server in
            let settings = settings(port: 1, oauth(server.url + "/token"))
            try deployment.write(settings, to: "countersign.yaml")
            let outcome = try await deployment.run("doctor")
            #expect(
                outcome.output.contains(
                    "answered 401 (invalid_client: a wrong one: •••); check the secrets MAIL_CLIENT_ID and MAIL_CLIENT_SECRET"
                ),
                "\(outcome.output)"
            )
            #expect(!outcome.output.contains("old-client-secret"))
        }
    }

    @Test(arguments: [
        ("auth: { oauth2: { scope: a } }", "'mail.auth.oauth2' needs 'token_url'"),
        ("auth: { oauth2: { token_url: 'https://x.example/t' } }", "'mail.auth.oauth2' needs 'mail.user'"),
        (
            "user: u\n  auth: { oauth2: { token_url: 'http://x.example/t' } }",
            "client's secret unencrypted; use https://"
        ),
        (
            "user: u\n  auth: { oauth2: { token_url: 'file:///etc/passwd' } }",
            "'mail.auth.oauth2.token_url' cannot be used"
        ),
        (
            "user: u\n  auth: { oauth2: { token_url: 'https://169.254.169.254/t' } }",
            "'mail.auth.oauth2.token_url' cannot be used"
        ),
        (
            "user: u\n  auth: { oauth2: { token_url: 'https://x.example/t', client: '../x' } }",
            "'mail.auth.oauth2.client' must be a name"
        ),
        (
            "user: u\n  security: none\n  auth: { oauth2: { token_url: 'https://x.example/t' } }",
            "'mail.user' would be sent unencrypted"
        ),
        ("user: \"u\\u0001auth=Bearer x\"", "'mail.user' has a control character"),
    ])
    func `settings of access tokens that cannot be used end the start with 2 and a sentence`(
        mail: String,
        words: String
    ) async throws {
        let settings = "mail:\n  server: h:25\n  from: a@example.com\n  \(mail)\n"
        let outcome = try await Deployment(rules: nil, settings: settings).run("serve")
        #expect(outcome.status == .exited(2))
        #expect(outcome.errors.contains(words), "\(outcome.errors)")
    }
}
