import CountersignCore
import CountersignOneSpan
import CountersignOutbound
import CountersignTesting
import Foundation
import Synchronization
import Testing

/// The client of the vendor's API, against a server that answers from a script.
@Suite(.timeLimit(.minutes(1)))
struct OneSpanClientTests {
    private let clock = ManualClock()

    private func asking<T>(
        _ answers: [RecordingServer.Answer],
        as credentials: OneSpanAccess.Credentials = .apiKey("raw/key="),
        _ body: (OneSpanClient, RecordingServer) async throws -> T
    ) async throws -> T {
        try await RecordingServer.with(answers) { server in
            let clients = OutgoingClients()
            let networks = [NetworkPrefix("127.0.0.0/8")].compactMap(\.self)
            let sender = HTTPClientSender(
                clients: clients,
                policy: OutgoingPolicy(allowing: networks),
                userAgent: "Countersign/test"
            )
            let access = OneSpanAccess(baseURL: server.url) { () throws(APIFailure) in credentials }
            let client = OneSpanClient(access: access, http: sender, clock: clock, spread: { 1 })
            let result: Result<T, any Error>
            do { result = .success(try await body(client, server)) } catch { result = .failure(error) }
            try await clients.shutdown()
            return try result.get()
        }
    }

    private func failure(_ work: () async throws -> Void) async -> APIFailure? {
        do {
            try await work()
            return nil
        } catch {
            return error as? APIFailure
        }
    }

    @Test func `an API key is sent raw, and ids are percent-encoded`() async throws {
        try await asking([.status(200, body: #"{"id":"x"}"#)]) { client, server in
            let answer = try await client.get(["api", "packages", "a/b=?"], [("query", "A&B")])
            #expect(answer == ["id": "x"])
            let request = try #require(server.requests.first)
            #expect(request.uri == "/api/packages/a%2Fb%3D%3F?query=A%26B")
            #expect(request.headers["authorization"] == "Basic raw/key=")
            #expect(request.headers["accept"] == "application/json")
        }
    }

    @Test func `a client app's token is used until shortly before its end, then renewed`() async throws {
        let end = Int64(clock.now.timeIntervalSince1970 * 1_000) + 1_800_000
        func token(_ name: String, _ end: Int64) -> RecordingServer.Answer {
            .status(200, body: #"{"accessToken":"\#(name)","expiresAt":\#(end)}"#)
        }
        let answers = [
            token("first", end), .status(200), .status(200), token("second", end + 1_800_000), .status(200),
        ]
        try await asking(answers, as: .clientApp(id: "app", secret: "s3cret")) { client, server in
            _ = try await client.get(["a"])
            clock.advance(by: .seconds(1_700))
            _ = try await client.get(["b"])
            clock.advance(by: .seconds(80))
            _ = try await client.get(["c"])
            let requests = server.requests
            #expect(
                requests.map(\.uri) == [
                    "/apitoken/clientApp/accessToken", "/a", "/b", "/apitoken/clientApp/accessToken", "/c",
                ]
            )
            #expect(try JSON(parsing: requests[0].text) == ["clientId": "app", "secret": "s3cret", "type": "OWNER"])
            #expect(requests[2].headers["authorization"] == "Bearer first")
            #expect(requests[4].headers["authorization"] == "Bearer second")
        }
    }

    @Test func `OAuth asks with client credentials, and replaces a token that is not taken any more`() async throws {
        let answers: [RecordingServer.Answer] = [
            .status(200, body: #"{"access_token":"t1","expires_in":299}"#), .status(401),
            .status(200, body: #"{"access_token":"t2","expires_in":299}"#), .status(200, body: "[]"),
        ]
        try await asking(answers, as: .oauth(id: "id", secret: "a:b")) { client, server in
            let answer = try await client.get(["a"])
            #expect(answer == [])
            let requests = server.requests
            #expect(requests[0].text == "grant_type=client_credentials")
            #expect(requests[0].headers["authorization"] == "Basic " + Data("id:a%3Ab".utf8).base64EncodedString())
            #expect(requests[3].headers["authorization"] == "Bearer t2")
        }
    }

    @Test func `an OAuth client that is refused is reported with what the endpoint says, and without its secret`()
        async throws
    {
        let said = #"{"error":"invalid_client","error_description":"not a-long-secret"}"#
        try await asking([.status(401, body: said)], as: .oauth(id: "id", secret: "a-long-secret")) { client, _ in
            let failure = await failure { _ = try await client.get(["a"]) }
            #expect(failure?.status == 401 && failure?.isPassing == false)
            #expect(failure?.description.contains("answered 401 (invalid_client: not •••)") == true)
            #expect(
                failure?.description.contains("'onespan.url' and the credentials belong to the same account") == true
            )
        }
    }

    @Test func `429 and 5xx are tried again after the wait that is asked for`() async throws {
        let answers: [RecordingServer.Answer] = [
            .status(429, headers: [("Retry-After", "7")]), .status(503), .status(200, body: "1"),
        ]
        try await asking(answers) { client, server in
            async let answer = client.get(["a"])
            await clock.untilSleeping()
            clock.advance(by: .seconds(6))
            #expect(server.requests.count == 1)
            clock.advance(by: .seconds(1))
            await clock.untilSleeping()
            clock.advance(by: .seconds(2))
            let value = try await answer
            #expect(value == 1)
            #expect(server.requests.count == 3)
        }
    }

    @Test func `a wait that nobody would sit through is the caller's`() async throws {
        try await asking([.status(429, headers: [("Retry-After", "3600")])]) { client, _ in
            let failure = await failure { _ = try await client.get(["a"]) }
            #expect(failure?.retryAfter == .seconds(3_600))
            #expect(failure?.isPassing == true)
        }
    }

    @Test func `an error is reported with the vendor's own words`() async throws {
        let body =
            #"{"messageKey":"error.notFound.packageNotFound","code":404,"name":"Not Found","message":"No such package"}"#
        try await asking([.status(404, body: body)]) { client, server in
            let failure = await failure { _ = try await client.get(["api", "packages", "x="]) }
            #expect(failure?.messageKey == "error.notFound.packageNotFound")
            #expect(failure?.isPassing == false)
            #expect(
                failure?.description
                    == "OneSpan Sign answered GET /api/packages/x%3D with 404 (error.notFound.packageNotFound: No such package)"
            )
            #expect(server.requests.count == 1)
        }
    }

    @Test func `requests go out one at a time`() async throws {
        let network = CountingNetwork()
        let access = OneSpanAccess(baseURL: "http://vendor") { () throws(APIFailure) in .apiKey("key") }
        let client = OneSpanClient(access: access, http: network, clock: clock)
        try await withThrowingTaskGroup { group in
            for number in 1...20 { group.addTask { try await client.get(["\(number)"]) } }
            for try await answer in group { #expect(answer == .null) }
        }
        #expect(network.counts.withLock { $0.total } == 20)
        #expect(network.counts.withLock { $0.most } == 1)
    }

    @Test func `who is cancelled while waiting for its turn lets the others go on`() async throws {
        try await asking([.status(200, body: "1")]) { client, server in
            let waiting = Task { try await client.get(["never"]) }
            waiting.cancel()
            _ = await waiting.result
            let answer = try await client.get(["next"])
            #expect(answer == 1)
            #expect(server.requests.last?.uri == "/next")
        }
    }
}

/// A network that counts how many requests are under way at once.
private final class CountingNetwork: HTTPSending {
    struct Counts {
        var total = 0
        var now = 0
        var most = 0
    }

    let counts = Mutex(Counts())

    func send(
        _: OutgoingRequest,
        to _: (any BodyReceiving)?
    ) async throws(ExchangeError) -> IncomingAnswer {
        counts.withLock { counts in
            counts.total += 1
            counts.now += 1
            counts.most = max(counts.most, counts.now)
        }
        for _ in 1...20 { await Task.yield() }
        counts.withLock { $0.now -= 1 }
        return IncomingAnswer(status: 200, headers: [], body: [])
    }
}
