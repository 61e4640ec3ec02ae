import CountersignActions
import CountersignCore
import CountersignOutbound
import CountersignTesting
import Foundation
import Testing

@Suite(.timeLimit(.minutes(1)))
struct HTTPActionTests {
    /// Sends one request to a server that answers like this; gives the outputs or the failure, and what was sent.
    private func exchange(
        _ answer: RecordingServer.Answer = .status(200),
        path: String = "/hook",
        _ options: [String: OptionValue] = [:],
        secrets: Secrets = Secrets([:])
    ) async throws -> (outputs: JSONObject?, failure: StepFailure?, request: RecordingServer.Request) {
        try await RecordingServer.with([answer]) { server in
            try await HTTPClientSender.with { client in
                let world = try World(http: client)
                var all = options
                all["url"] = try .parsed(server.url + path)
                let outcome: Result<JSONObject, StepFailure>
                do throws(StepFailure) {
                    outcome = .success(try await world.run("http", all, secrets: secrets))
                } catch {
                    outcome = .failure(error)
                }
                let request = try #require(server.requests.first)
                #expect(server.requests.count == 1)
                switch outcome {
                case .success(let outputs): return (outputs, nil, request)
                case .failure(let failure): return (nil, failure, request)
                }
            }
        }
    }

    @Test func `without a body of its own, the event is posted as it came`() async throws {
        let request = try await exchange().request
        #expect(request.method == "POST" && request.uri == "/hook")
        #expect(request.text == Event.sample(message: "no").payload.text)
        #expect(request.headers["content-type"] == "application/json")
        #expect(request.headers["idempotency-key"] == "run-3/step-1")
        #expect(request.headers["user-agent"] == "Countersign/test")
    }

    @Test(arguments: ["GET", "HEAD", "DELETE"])
    func `a method that asks for something sends no body`(method: String) async throws {
        let request = try await exchange(.status(200), ["method": .text(method)]).request
        #expect(request.method == method && request.body.isEmpty)
        #expect(request.headers["content-type"] == nil)
    }

    @Test func `a JSON body keeps the types of values`() async throws {
        let json = JSONTemplate.object([
            .init(key: "who", value: .template(try Template(parsing: "${event.sessionUser}"))),
            .init(key: "document", value: .template(try Template(parsing: "${event.documentId}"))),
        ])
        let request = try await exchange(.status(200), ["json": .json(json)]).request
        #expect(request.text == #"{"who":"18EZDL44xgsX","document":null}"#)
    }

    @Test func `a form and a query are percent-encoded`() async throws {
        let fields = try OptionValue.parsed(["a b": "x&y=${event.packageId}"])
        let request = try await exchange(.status(200), path: "/hook?k=v", ["form": fields, "query": fields]).request
        #expect(request.text == "a%20b=x%26y%3DwVdZEaPD2igwUnFGJBjDD0dpO7k%3D")
        #expect(request.uri == "/hook?k=v&a%20b=x%26y%3DwVdZEaPD2igwUnFGJBjDD0dpO7k%3D")
        #expect(request.headers["content-type"] == "application/x-www-form-urlencoded")
    }

    @Test func `own headers are in the place of the usual ones`() async throws {
        let headers = try OptionValue.parsed([
            "content-type": "text/csv", "User-Agent": "me", "X-Package": "${event.packageId}",
        ])
        let request = try await exchange(.status(200), ["headers": headers, "body": try .parsed("a,b")]).request
        #expect(request.headers["content-type"] == "text/csv")
        #expect(request.headers["user-agent"] == "me")
        #expect(request.headers["x-package"] == "wVdZEaPD2igwUnFGJBjDD0dpO7k=")
    }

    @Test func `an answer is left as code, headers and body`() async throws {
        let answer = RecordingServer.Answer.status(
            201,
            headers: [("Content-Type", "application/json; charset=utf-8"), ("X-Id", "1"), ("x-id", "2")],
            body: #"{"id": 5}"#
        )
        let outputs = try #require(try await exchange(answer).outputs)
        #expect(outputs["status_code"] == 201)
        #expect(outputs["headers"]?["x-id"] == "1, 2")
        #expect(outputs["body"] == ["id": 5])
    }

    @Test func `an answer that is no JSON is left as text`() async throws {
        let answer = RecordingServer.Answer.status(200, headers: [("Content-Type", "application/json")], body: "{oops")
        #expect(try await exchange(answer).outputs?["body"] == "{oops")
    }

    @Test func `of an answer at most 64 KiB are kept`() async throws {
        let body = String(repeating: "x", count: 10_000_000)
        let outputs = try #require(try await exchange(.status(200, body: body)).outputs)
        #expect(outputs["body"]?.string?.utf8.count == 65_536)
    }

    @Test(arguments: [
        (400, false), (401, false), (403, false), (404, true), (408, true), (409, true), (410, false), (422, false),
        (425, true), (429, true), (500, true), (501, true), (503, true),
    ])
    func `a code says whether another try may help`(code: Int, isWorthRetrying: Bool) async throws {
        let failure = try #require(try await exchange(.status(code, body: "why")).failure)
        #expect(failure.isWorthRetrying == isWorthRetrying)
        #expect(failure.reason.hasPrefix("'127.0.0.1:") && failure.reason.hasSuffix("' answered \(code)"))
        #expect(failure.output?["status_code"] == JSON(code))
        #expect(failure.output?["body"] == "why")
    }

    @Test(arguments: [301, 302, 307, 308])
    func `a redirect is a failure and is not followed`(code: Int) async throws {
        let failure = try #require(try await exchange(.status(code, headers: [("Location", "/elsewhere")])).failure)
        #expect(failure.isWorthRetrying == false)
        #expect(failure.reason.hasSuffix("redirects are not followed"))
    }

    @Test func `what counts as success can be said`() async throws {
        let expect = OptionValue.group(Options([.init(key: "status", value: .integers([404]))]))
        #expect(try await exchange(.status(404), ["expect": expect]).outputs?["status_code"] == 404)
        #expect(
            try await exchange(.status(200), ["expect": expect]).failure?.reason.hasSuffix("' answered 200") == true
        )
    }

    @Test(
        arguments: [(429, "7", 7), (503, "100000", 86_400), (503, "soon", nil), (500, "7", nil)]
            as [(Int, String, Int?)]
    )
    func `a busy server is not asked again for as long as it asks`(
        code: Int,
        header: String,
        seconds: Int?
    ) async throws {
        let failure = try await exchange(.status(code, headers: [("Retry-After", header)])).failure
        #expect(failure?.retryAfter == seconds.map { .seconds($0) })
    }

    @Test func `a busy server may ask by a date`() async throws {
        let past = RecordingServer.Answer.status(503, headers: [("Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT")])
        #expect(try await exchange(past).failure?.retryAfter == .zero)
        let far = RecordingServer.Answer.status(503, headers: [("Retry-After", "Fri, 31 Dec 2100 23:59:59 GMT")])
        #expect(try await exchange(far).failure?.retryAfter == .seconds(86_400))
    }

    @Test func `a connection that is closed without an answer is worth another try`() async throws {
        let failure = try await exchange(RecordingServer.Answer(closes: true)).failure
        #expect(failure?.isWorthRetrying == true)
        let words = "' did not answer: the connection was closed before the response was complete"
        #expect(failure?.reason.hasSuffix(words) == true)
    }

    @Test func `a port that nobody listens on is worth another try`() async throws {
        try await DeafPort.with { port in
            try await HTTPClientSender.with { client in
                let world = try World(http: client)
                let failure = await world.failure("http", ["url": try .parsed("http://127.0.0.1:\(port)")])
                #expect(failure?.isWorthRetrying == true)
                #expect(failure?.reason == "'127.0.0.1:\(port)' did not answer: no connection: connection refused")
            }
        }
    }

    @Test func `cancelling ends an exchange with a silent server`() async throws {
        try await RecordingServer.with([RecordingServer.Answer(isSilent: true)]) { server in
            try await HTTPClientSender.with { client in
                let world = try World(http: client)
                let url = try OptionValue.parsed(server.url)
                let task = Task { await world.failure("http", ["url": url]) }
                await server.waitForRequest()
                task.cancel()
                #expect(await task.value?.reason.contains("was canceled before it finished") == true)
            }
        }
    }

    @Test(arguments: [
        "http://169.254.169.254/latest/meta-data", "http://169.254.1.1", "http://0xa9fea9fe/", "http://2852039166/",
        "http://0251.0376.0251.0376/", "http://169.254.43518/", "http://[fe80::1]/", "http://[fe80::1%25eth0]/",
        "http://[fd00:ec2::254]/", "http://100.100.100.200/", "http://[::ffff:169.254.169.254]/",
        "http://[64:ff9b::a9fe:a9fe]/", "http://169.254.169.254./", "https://169.254.169.254:8443/x",
    ])
    func `addresses of the link and of cloud metadata are never reached`(url: String) async throws {
        let failure = try await World().failure("http", ["url": .parsed(url)])
        #expect(failure?.reason.contains("which is never reached") == true)
        #expect(failure?.isWorthRetrying == false)
    }

    @Test func `a secret URL is evaluated when it is used`() async throws {
        let world = try World()
        let options: [String: OptionValue] = ["url": try .parsed("${secret:HOOK}")]
        let failure = await world.failure("http", options, secrets: Secrets(["HOOK": "http://169.254.169.254/x"]))
        #expect(failure?.reason.contains("which is never reached") == true)
        let dry = try await world.prepare("http", options, secrets: .hidden)
        #expect(dry.plan["url"] == "•••")
    }

    @Test(arguments: [
        "ftp://example.com/x", "file:///etc/passwd", "example.com/x", "http://", "http://me:pw@example.com",
        "http://a b/",
    ])
    func `a URL that is not one of the web is refused`(url: String) async throws {
        let failure = try await World().failure("http", ["url": .parsed(url)])
        #expect(failure?.isWorthRetrying == false)
    }

    @Test(arguments: ["a\r\nX: y", "a\u{0}b", "a\u{1B}[2J"])
    func `a header that cannot carry a value fails the step`(message: String) async throws {
        let options: [String: OptionValue] = [
            "url": try .parsed("http://127.0.0.1:1/"), "headers": try .parsed(["X-Message": "${event.message}"]),
        ]
        let failure = try await World().failure("http", options, event: .sample(message: message))
        #expect(failure?.isWorthRetrying == false)
    }

    @Test func `a header that is ours cannot be set`() async throws {
        let options: [String: OptionValue] = [
            "url": try .parsed("http://127.0.0.1:1/"), "headers": try .parsed(["idempotency-key": "x"]),
        ]
        #expect(try await World().failure("http", options)?.reason.contains("is set by Countersign") == true)
    }

    @Test func `the published example of a signature comes out`() throws {
        let signature = try WebhookSignature(secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
        let headers = signature.headers(
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
            at: Date(timeIntervalSince1970: 1_614_265_330),
            body: Array(#"{"test": 2432232314}"#.utf8)
        )
        #expect(headers.last?.value == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
    }

    @Test func `a request can be signed`() async throws {
        let secret = Options.Entry(key: "secret", value: try .parsed("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
        let request = try await exchange(.status(200), ["sign": .group(Options([secret]))]).request
        let time = try #require(request.headers["webhook-timestamp"].flatMap { Double($0) })
        #expect(request.headers["webhook-id"] == "run-3/step-1")
        let expected = try WebhookSignature(secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
            .headers(id: "run-3/step-1", at: Date(timeIntervalSince1970: time), body: request.body)
        #expect(request.headers["webhook-signature"] == expected.last?.value)
    }

    @Test(arguments: ["", "whsec_", "whsec_not base64", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
    func `a secret that cannot sign is refused without being shown`(text: String) {
        let failure = #expect(throws: StepFailure.self) { _ = try WebhookSignature(secret: text) }
        #expect(failure == .final("the secret of 'sign' must be 'whsec_' followed by Base64"))
    }

    @Test func `a plan shows the whole request`() async throws {
        let options: [String: OptionValue] = [
            "url": try .parsed("https://example.com/${event.message}"), "method": "PUT",
            "headers": try .parsed(["Authorization": "Bearer ${secret:T}"]), "body": try .parsed("hello"),
        ]
        let step = try await World().prepare("http", options, event: .sample(message: "a/../b c"), secrets: .hidden)
        #expect(
            step.plan == [
                "method": "PUT", "url": "https://example.com/a%2F..%2Fb%20c",
                "headers": ["Authorization": "Bearer •••", "Content-Type": "text/plain; charset=utf-8"],
                "body": "hello",
            ]
        )
    }

    @Test(arguments: [
        ("gzip", "H4sIAAAAAAACA6tWykxRsjKvBQBDXwcSCAAAAA=="), ("deflate", "eJyrVspMUbIyrwUAC1kCew=="),
        ("", "77u/eyJpZCI6N30="),
    ])
    func `an answer that is packed or has a byte order mark is read as JSON`(
        encoding: String,
        body: String
    ) async throws {
        let headers =
            [("Content-Type", "application/json")] + (encoding.isEmpty ? [] : [("Content-Encoding", encoding)])
        let bytes = Array(try #require(Data(base64Encoded: body)))
        let answer = RecordingServer.Answer(status: 200, headers: headers, body: bytes)
        let outputs = try #require(try await exchange(answer).outputs)
        #expect(outputs["body"] == ["id": 7] && outputs["body_problem"] == nil)
    }

    @Test(arguments: [#"{"id":7,"id":8}"#, "<html>", "{"])
    func `what claims to be JSON and is none is said to be so`(body: String) async throws {
        let answer = RecordingServer.Answer.status(200, headers: [("Content-Type", "application/json")], body: body)
        let outputs = try #require(try await exchange(answer).outputs)
        #expect(outputs["body"] == .string(body))
        #expect(
            outputs["body_problem"]?.string?.hasPrefix("its content type is JSON, but it cannot be parsed: ") == true
        )
    }

    @Test func `a kept connection that closes without an answer costs no attempt`() async throws {
        let answers: [RecordingServer.Answer] = [.status(200), .init(closes: true), .status(201)]
        try await RecordingServer.with(answers) { server in
            try await HTTPClientSender.with { client in
                let world = try World(http: client)
                let options: [String: OptionValue] = ["url": try .parsed(server.url + "/hook")]
                #expect(try await world.run("http", options)["status_code"] == 200)
                #expect(try await world.run("http", options)["status_code"] == 201)
                #expect(server.requests.count == 3)
            }
        }
    }

    @Test func `a fresh connection that closes without an answer is a failed attempt`() async throws {
        let failure = try await exchange(.init(closes: true)).failure
        #expect(failure?.isWorthRetrying == true)
    }

    @Test func `a secret goes into a form, into JSON and into a URL, encoded as any value is there`() async throws {
        let secret = #"p&=+"ß/ä%x long"#
        let form = "${secret:KEY}"
        let cases: [(path: String, [String: OptionValue], target: String, body: String)] = [
            (
                "/token", ["form": try .parsed(["client_secret": form, "a": "b"])], "/token",
                "client_secret=p%26%3D%2B%22%C3%9F%2F%C3%A4%25x%20long&a=b"
            ),
            (
                "/token", ["json": try .parsedJSON(["auth": form, "plain": "x"])], "/token",
                #"{"auth":"p&=+\"ß/ä%x long","plain":"x"}"#
            ),
            (
                "/hooks/${secret:KEY}?k=${secret:KEY}", ["body": try .parsed("x")],
                "/hooks/p%26%3D%2B%22%C3%9F/%C3%A4%25x%20long?k=p%26%3D%2B%22%C3%9F%2F%C3%A4%25x%20long", "x"
            ),
            (
                "/t", ["query": try .parsed(["k": form]), "body": try .parsed("x")],
                "/t?k=p%26%3D%2B%22%C3%9F%2F%C3%A4%25x%20long", "x"
            ),
        ]
        for (path, options, target, body) in cases {
            let exchanged = try await exchange(path: path, options, secrets: Secrets(["KEY": secret]))
            #expect(exchanged.failure == nil)
            #expect(exchanged.request.uri == target)
            #expect(String(decoding: exchanged.request.body, as: UTF8.self) == body)
            let masked = Secrets(["KEY": secret])
                .masking(
                    try await World()
                        .prepare(
                            "http",
                            options.merging(["url": try .parsed("https://h" + path)]) { $1 },
                            secrets: Secrets(["KEY": secret])
                        )
                        .plan
                )
            #expect(
                !masked.text.contains("x long") && !masked.text.contains("x%20long") && !masked.text.contains("x+long")
            )
        }
    }

    @Test(arguments: ["json", "form", "query"])
    func `a dry run shows the mask of a secret in a body as it is`(field: String) async throws {
        var options: [String: OptionValue] = ["url": try .parsed("https://example.com/a/${secret:KEY}")]
        options[field] = field == "json" ? try .parsedJSON(["k": "${secret:KEY}"]) : try .parsed(["k": "${secret:KEY}"])
        let plan = try await World().prepare("http", options, secrets: .hidden).plan
        let place = field == "query" ? plan["url"] : plan["body"]
        #expect(
            place?.string?.contains("•••") == true
                && plan["url"]?.string?.hasPrefix("https://example.com/a/•••") == true
        )
    }

    @Test func `a header that is not in UTF-8 is named`() async throws {
        struct Sender: HTTPSending {
            func send(
                _: OutgoingRequest,
                to _: (any BodyReceiving)?
            ) async throws(ExchangeError) -> IncomingAnswer {
                let name = "attachment; filename=\"Vertr\u{FFFD}ge.pdf\""
                return IncomingAnswer(
                    status: 200,
                    headers: [.init("content-disposition", name), .init("x", "ü")],
                    body: []
                )
            }
        }
        let outputs = try await World(http: Sender()).run("http", ["url": .parsed("https://example.com/")])
        #expect(outputs["headers_problem"]?.string?.hasSuffix("'content-disposition'") == true)
    }
}
