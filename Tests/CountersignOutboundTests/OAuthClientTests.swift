import CountersignCore
import CountersignOutbound
import CountersignTesting
import Foundation
import Synchronization
import Testing

/// Access tokens by OAuth 2.0 client credentials, from a token endpoint on a socket.
@Suite(.timeLimit(.minutes(1)))
struct OAuthClientTests {
    private let clock = ManualClock()

    private func client(
        at url: String,
        over http: any HTTPSending,
        id: String = "client-id",
        secret: String = "client s3cret: ü/+",
        scope: String? = nil
    ) -> OAuthClient {
        OAuthClient(
            origin: .init(setting: "mail.auth.oauth2", client: "MAIL_CLIENT"),
            grant: ClientCredentialsGrant(url: url, scope: scope, http: http, clock: clock),
            clock: clock
        ) { () throws(StepFailure) in
            .init(id: id, secret: secret)
        }
    }

    private func failure(_ client: OAuthClient) async throws -> StepFailure {
        try #require(await #expect(throws: StepFailure.self) { _ = try await client.token() })
    }

    /// The failure with an endpoint that answers so.
    private func failure(
        answering answer: RecordingServer.Answer,
        secret: String = "s3cret-of-the-client"
    ) async throws
        -> StepFailure
    {
        try await RecordingServer.with([answer]) { server in
            try await HTTPClientSender.with { http in
                try await failure(client(at: server.url + "/token", over: http, secret: secret))
            }
        }
    }

    @Test func `the request is the one of RFC 6749, with the client in the header`() async throws {
        try await TokenEndpoint.with(clock: clock) { endpoint in
            try await HTTPClientSender.with { http in
                let client = client(at: endpoint.url, over: http, scope: "https://outlook.office365.com/.default a&b")
                let token = try await client.token()
                #expect(endpoint.accepts(token.text))
                let request = try #require(endpoint.requests.first)
                #expect(request.method == "POST")
                #expect(request.headers["content-type"] == "application/x-www-form-urlencoded")
                let scope = "https%3A%2F%2Foutlook.office365.com%2F.default%20a%26b"
                #expect(request.text == "grant_type=client_credentials&scope=\(scope)")
            }
        }
    }

    @Test func `a token is cached, and renewed ahead of its end`() async throws {
        try await TokenEndpoint.with(clock: clock) { endpoint in
            try await HTTPClientSender.with { http in
                let client = client(at: endpoint.url, over: http)
                let first = try await client.token()
                clock.advance(by: .seconds(3_560))
                #expect(try await client.token() == first)
                #expect(endpoint.requests.count == 1)
                clock.advance(by: .seconds(15))
                // The first one has 25 seconds to live.
                #expect(endpoint.accepts(first.text))
                let second = try await client.token()
                #expect(second != first && endpoint.accepts(second.text))
                #expect(endpoint.requests.count == 2)
            }
        }
    }

    @Test func `however many wait, one request is made`() async throws {
        try await TokenEndpoint.with(clock: clock) { endpoint in
            try await HTTPClientSender.with { http in
                let client = client(at: endpoint.url, over: http)
                let tokens = try await withThrowingTaskGroup(of: AccessToken.self) { group in
                    for _ in 0..<50 { group.addTask { try await client.token() } }
                    return try await group.reduce(into: Set<String>()) { $0.insert($1.text) }
                }
                #expect(tokens.count == 1 && endpoint.requests.count == 1)
            }
        }
    }

    @Test func `those who wait share the failure, and the next one asks again`() async throws {
        let gate = Gate()
        let tokens = AccessTokens<Int, TokenError>(clock: clock, canceled: .canceled) { _ throws(TokenError) in
            try await gate.fetch()
        }
        let waiting = (0..<5).map { _ in Task { try? await tokens.token(for: 1) } }
        // All but the one that fetches wait for it; each has noted by then how many requests failed before.
        while gate.calls == 0 { await Task.yield() }
        for _ in 0..<1_000 { await Task.yield() }
        gate.open()
        for task in waiting { #expect(await task.value == nil) }
        #expect(gate.calls < 5)
        let calls = gate.calls
        _ = try? await tokens.token(for: 1)
        #expect(gate.calls == calls + 1)
    }

    @Test func `a token that was rejected is fetched anew, and one that was fetched since stays`() async throws {
        try await TokenEndpoint.with(clock: clock) { endpoint in
            try await HTTPClientSender.with { http in
                let client = client(at: endpoint.url, over: http)
                let first = try await client.token()
                client.forget(first)
                let second = try await client.token()
                #expect(second != first)
                client.forget(first)
                #expect(try await client.token() == second)
                #expect(endpoint.requests.count == 2)
            }
        }
    }

    @Test func `a new secret takes effect at once`() async throws {
        let secret = Mutex("wrong")
        try await TokenEndpoint.with(clock: clock) { endpoint in
            try await HTTPClientSender.with { http in
                let client = OAuthClient(
                    origin: .init(setting: "mail.auth.oauth2", client: "MAIL_CLIENT"),
                    grant: ClientCredentialsGrant(url: endpoint.url, http: http, clock: clock),
                    clock: clock
                ) { () throws(StepFailure) in
                    .init(id: "client-id", secret: secret.withLock { $0 })
                }
                _ = try await failure(client)
                secret.withLock { $0 = TokenEndpoint.Script().secret }
                #expect(endpoint.accepts(try await client.token().text))
            }
        }
    }

    @Test(arguments: HostileText.all.filter { !$0.isEmpty && $0.utf8.count < 10_000 })
    func `id and secret arrive as they are, whatever they are`(text: String) async throws {
        var script = TokenEndpoint.Script()
        (script.id, script.secret) = (text, text)
        try await TokenEndpoint.with(script, clock: clock) { endpoint in
            try await HTTPClientSender.with { http in
                let token = try await client(at: endpoint.url, over: http, id: text, secret: text).token()
                #expect(endpoint.accepts(token.text))
                #expect(endpoint.requests.map(\.text) == ["grant_type=client_credentials"])
                #expect(endpoint.requests.first?.headers["x-injected"] == nil)
            }
        }
    }

    // MARK: Failures

    @Test(
        arguments: [
            (500, "", true, true, nil), (503, "busy", true, true, nil), (429, "", true, false, nil),
            (401, #"{"error":"invalid_client"}"#, false, false, "the secrets MAIL_CLIENT_ID and MAIL_CLIENT_SECRET"),
            (400, #"{"error":"invalid_client"}"#, false, false, "the secrets MAIL_CLIENT_ID and MAIL_CLIENT_SECRET"),
            (
                400, #"{"error":"unauthorized_client"}"#, false, false,
                "the secrets MAIL_CLIENT_ID and MAIL_CLIENT_SECRET"
            ),
            (400, #"{"error":"invalid_scope"}"#, false, false, "'mail.auth.oauth2.scope'"),
            (400, #"{"error":"invalid_request"}"#, false, false, "'mail.auth.oauth2.token_url'"),
            (404, "<html>", false, false, "'mail.auth.oauth2.token_url'"),
            (302, "", false, false, "'mail.auth.oauth2.token_url'"),
            (200, "<html>", false, false, "'mail.auth.oauth2.token_url'"),
            (200, #"{"access_token":""}"#, false, false, "'mail.auth.oauth2.token_url'"),
            (200, #"{"access_token":"a","token_type":"mac"}"#, false, false, "'mail.auth.oauth2.token_url'"),
            (200, #"{"access_token":"a\r\nX-Injected: yes"}"#, false, false, "'mail.auth.oauth2.token_url'"),
            (200, #"{"access_token":"a\u0001auth=Bearer b"}"#, false, false, "'mail.auth.oauth2.token_url'"),
        ] as [(Int, String, Bool, Bool, String?)]
    )
    func `a failure is temporary or final by its kind, and says which setting to check`(
        status: Int,
        body: String,
        isWorthRetrying: Bool,
        isOutage: Bool,
        setting: String?
    ) async throws {
        let failure = try await failure(answering: .status(status, body: body))
        #expect(failure.isWorthRetrying == isWorthRetrying && failure.isOutage == isOutage, "\(failure.reason)")
        #expect(failure.reason.contains("/token' answered \(status)"), "\(failure.reason)")
        if let setting {
            #expect(failure.reason.hasSuffix("; check \(setting)"), "\(failure.reason)")
        } else {
            #expect(!failure.reason.contains("check"), "\(failure.reason)")
        }
    }

    @Test func `what the endpoint says is shown on one line, without the secret`() async throws {
        let said =
            #"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret s3cret-of-the-client.\r\nTrace ID: 1\u001b[2J"}"#
        let failure = try await failure(answering: .status(401, body: said))
        #expect(
            failure.reason.contains(
                "(invalid_client: AADSTS7000215: Invalid client secret •••. Trace ID: 1 [2J); check the secrets"
            ),
            "\(failure.reason)"
        )
    }

    @Test func `the wait that the endpoint asks for is kept`() async throws {
        let failure = try await failure(answering: .status(503, headers: [("Retry-After", "120")]))
        #expect(failure.retryAfter == .seconds(120))
    }

    @Test func `an endpoint that cannot be reached is asked again later`() async throws {
        let url = try await RecordingServer.with { $0.url }
        try await HTTPClientSender.with { http in
            let failure = try await failure(client(at: url + "/token", over: http))
            #expect(failure.isWorthRetrying && failure.isOutage, "\(failure.reason)")
            #expect(failure.reason.contains("did not respond"), "\(failure.reason)")
        }
    }

    @Test func `the token endpoint goes through the outgoing policy`() async throws {
        let names = KnownNames(names: ["login.example.com": ["10.0.0.1"]])
        try await HTTPClientSender.with(resolver: names) { http in
            let failure = try await failure(client(at: "https://login.example.com/token", over: http))
            #expect(!failure.isWorthRetrying && failure.reason.contains("allow_hosts"), "\(failure.reason)")
        }
    }

    @Test(arguments: [#""300""#, "300"])
    func `a lifetime may be a number or a text`(lifetime: String) async throws {
        let answer = RecordingServer.Answer.status(200, body: #"{"access_token":"t","expires_in":\#(lifetime)}"#)
        try await RecordingServer.with([answer]) { server in
            try await HTTPClientSender.with { http in
                let token = try await client(at: server.url, over: http).token()
                #expect(token.end == clock.now.addingTimeInterval(300))
            }
        }
    }
}

/// A fetch that fails when it is let through.
private final class Gate: Sendable {
    private let state = Mutex((calls: 0, isOpen: false))

    var calls: Int { state.withLock { $0.calls } }

    func open() { state.withLock { $0.isOpen = true } }

    func fetch() async throws(TokenError) -> AccessToken {
        state.withLock { $0.calls += 1 }
        while !state.withLock({ $0.isOpen }) { await Task.yield() }
        throw .canceled
    }
}
