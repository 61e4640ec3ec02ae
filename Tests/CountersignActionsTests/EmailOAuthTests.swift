import CountersignActions
import CountersignCore
import CountersignOutbound
import CountersignTesting
import Foundation
import NIOSSL
import Testing

/// The `email` step with XOAUTH2, against a mail server and a token endpoint on sockets.
@Suite(.timeLimit(.minutes(1)))
struct EmailOAuthTests {
    private let clock = ManualClock()
    private static let names = KnownNames(names: ["mail.internal": ["127.0.0.1"]])

    /// A mail server over TLS, a token endpoint, and the way to both.
    private struct Fixture {
        let sink: MailSink
        let endpoint: TokenEndpoint
        let sender: SMTPSender

        func send() async throws -> JSONObject {
            try await World(mail: sender).run("email", Self.options())
        }

        func failure() async throws -> StepFailure {
            try #require(try await World(mail: sender).failure("email", Self.options()))
        }

        /// How often each proof was offered.
        var logins: Int { sink.lines.count { $0 == "AUTH XOAUTH2" } }

        private static func options() throws -> [String: OptionValue] {
            [
                "to": try .parsedList("ops@example.com"), "subject": try .parsed("Done"),
                "text": try .parsed("It is done."),
            ]
        }
    }

    private func with(
        mechanisms: [String] = ["LOGIN", "XOAUTH2"],
        answers: [(line: String, answer: String)] = [],
        rejectsAll: Bool = false,
        isEncrypted: Bool = true,
        tokens: TokenEndpoint.Script = TokenEndpoint.Script(),
        user: String = "sign@example.com",
        secret: String = TokenEndpoint.Script().secret,
        security: MailServer.Security = .startTLS,
        _ body: (Fixture) async throws -> Void
    ) async throws {
        let certificate = try await TestCertificate.make(for: "mail.internal")
        try await TokenEndpoint.with(tokens, clock: clock) { endpoint in
            var script = MailSink.Script()
            if isEncrypted { script.encryption = .startTLS(try certificate.serverContext) }
            (script.mechanisms, script.answers) = (mechanisms, answers)
            script.user = "sign@example.com"
            script.acceptsToken = { !rejectsAll && endpoint.accepts($0) }
            try await MailSink.with(script) { sink in
                try await HTTPClientSender.with { http in
                    let client = OAuthClient(
                        origin: .init(setting: "mail.auth.oauth2", client: "MAIL_CLIENT"),
                        grant: ClientCredentialsGrant(url: endpoint.url, http: http, clock: clock),
                        clock: clock
                    ) { () throws(StepFailure) in
                        .init(id: TokenEndpoint.Script().id, secret: secret)
                    }
                    var tls = TLSConfiguration.makeClientConfiguration()
                    tls.additionalTrustRoots = [.certificates(certificate.chain)]
                    let server = MailServer(
                        host: "mail.internal",
                        port: sink.port,
                        security: security,
                        from: try MailAddress("sign@example.com", source: "from"),
                        authentication: .accessToken(user: user, from: client)
                    )
                    let sender = SMTPSender(server: server, resolver: Self.names, tls: tls)
                    try await body(Fixture(sink: sink, endpoint: endpoint, sender: sender))
                }
            }
        }
    }

    @Test func `mails go with one token until shortly before its end, then with another`() async throws {
        try await with { fixture in
            try await fixture.sender.probe()
            #expect(fixture.sink.mails.isEmpty)
            _ = try await fixture.send()
            clock.advance(by: .seconds(3_500))
            _ = try await fixture.send()
            #expect(fixture.endpoint.requests.count == 1)
            clock.advance(by: .seconds(80))
            _ = try await fixture.send()
            #expect(fixture.endpoint.requests.count == 2 && fixture.logins == 4)
            #expect(fixture.sink.mails.allSatisfy { $0.isEncrypted && $0.user == "sign@example.com" })
            #expect(fixture.sink.mails.count == 3)
        }
    }

    @Test func `the proof follows the command, as no command is as long`() async throws {
        try await with { fixture in
            _ = try await fixture.send()
            let index = try #require(fixture.sink.lines.firstIndex(of: "AUTH XOAUTH2"))
            let proof = try #require(Data(base64Encoded: fixture.sink.lines[index + 1]))
            let text = String(decoding: proof, as: UTF8.self)
            #expect(text.hasPrefix("user=sign@example.com\u{1}auth=Bearer token-1.x") && text.hasSuffix("x\u{1}\u{1}"))
        }
    }

    @Test func `a token that is rejected is fetched anew once, and the mail goes`() async throws {
        try await with { fixture in
            _ = try await fixture.send()
            fixture.endpoint.revokeAll()
            _ = try await fixture.send()
            #expect(fixture.sink.mails.count == 2 && fixture.endpoint.requests.count == 2)
            // The challenge of the rejected one was answered with an empty line.
            #expect(fixture.sink.lines.contains("") && fixture.logins == 3)
        }
    }

    @Test func `a new token that is rejected, too, fails the step for good with all that was said`() async throws {
        try await with(rejectsAll: true) { fixture in
            let failure = try await fixture.failure()
            #expect(!failure.isWorthRetrying && !failure.isOutage)
            #expect(
                failure.reason.contains(
                    "rejected the access token for 'sign@example.com': 535 5.7.3 Authentication unsuccessful [HOST] "
                        + #"{"status":"401","schemes":"bearer","scope":"https://mail.example.com/"}; check that 'mail.user'"#
                ),
                "\(failure.reason)"
            )
            #expect(fixture.endpoint.requests.count == 2 && fixture.logins == 2 && fixture.sink.mails.isEmpty)
        }
    }

    @Test func `a server that repeats the token shows nothing of it`() async throws {
        let reply = "535 token-2.\(String(repeating: "x", count: 1_500)) is bad\r\n"
        try await with(answers: [("dXNlcj", reply)]) { fixture in
            let failure = try await fixture.failure()
            #expect(failure.reason.contains("535") && !failure.reason.contains("xxx"), "\(failure.reason)")
            #expect(failure.output?["reply"]?.string?.contains("xxx") == false)
        }
    }

    @Test(arguments: [("dXNlcj", "454 4.7.0 later\r\n", false), ("AUTH", "421 busy\r\n", true)])
    func `a temporary no keeps the token`(line: String, answer: String, isOutage: Bool) async throws {
        try await with(answers: [(line, answer)]) { fixture in
            let failure = try await fixture.failure()
            #expect(failure.isWorthRetrying && failure.isOutage == isOutage, "\(failure.reason)")
            _ = try await fixture.failure()
            #expect(fixture.endpoint.requests.count == 1)
        }
    }

    @Test(arguments: [(["PLAIN", "LOGIN"], "it offers LOGIN, PLAIN"), ([], "it offers no authentication")])
    func `a server that does not offer XOAUTH2 gets no token`(mechanisms: [String], words: String) async throws {
        try await with(mechanisms: mechanisms) { fixture in
            let failure = try await fixture.failure()
            #expect(!failure.isWorthRetrying && failure.reason.contains("does not offer XOAUTH2"))
            #expect(failure.reason.contains(words), "\(failure.reason)")
            #expect(fixture.logins == 0)
        }
    }

    @Test(arguments: [MailServer.Security.startTLS, .none])
    func `without TLS no token is sent`(security: MailServer.Security) async throws {
        try await with(isEncrypted: false, security: security) { fixture in
            let failure = try await fixture.failure()
            #expect(failure.reason.contains("STARTTLS") || failure.reason.contains("unencrypted"), "\(failure.reason)")
            #expect(fixture.logins == 0 && fixture.sink.mails.isEmpty)
        }
    }

    @Test(arguments: ["a\u{1}auth=Bearer other\u{1}\u{1}", "a\r\nRSET", "a\u{0}b"])
    func `a user that would be more than a user is refused`(user: String) async throws {
        try await with(user: user) { fixture in
            let failure = try await fixture.failure()
            #expect(!failure.isWorthRetrying && failure.reason.contains("'mail.user' has a control character"))
            #expect(fixture.logins == 0)
        }
    }

    @Test func `a token endpoint with a problem of its own is asked again, and no mail server meanwhile`() async throws
    {
        var tokens = TokenEndpoint.Script()
        tokens.answersOnce = [.status(503, headers: [("Retry-After", "30")])]
        try await with(tokens: tokens) { fixture in
            let failure = try await fixture.failure()
            #expect(failure.isWorthRetrying && failure.isOutage && failure.retryAfter == .seconds(30))
            #expect(fixture.sink.lines.isEmpty)
            _ = try await fixture.send()
            #expect(fixture.sink.mails.count == 1)
        }
    }

    @Test func `a wrong secret fails the step for good, and is named and not shown`() async throws {
        try await with(secret: "an-old-secret") { fixture in
            let failure = try await fixture.failure()
            #expect(!failure.isWorthRetrying)
            #expect(failure.reason.contains("answered 401 (invalid_client: AADSTS7000215"), "\(failure.reason)")
            #expect(failure.reason.hasSuffix("; check the secrets MAIL_CLIENT_ID and MAIL_CLIENT_SECRET"))
            #expect(!failure.reason.contains("an-old-secret") && fixture.sink.lines.isEmpty)
        }
    }
}
