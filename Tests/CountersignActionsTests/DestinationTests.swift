import CountersignActions
import CountersignCore
import CountersignOutbound
import CountersignTesting
import Foundation
import Testing

/// `http` with `to`: requests to destinations of the settings, over real sockets.
@Suite(.timeLimit(.minutes(1)))
struct DestinationTests {
    private static let secrets: [String: String] = ["TOKEN": "t0ken-of-the-crm", "PASSWORD": "pässword of the crm"]

    /// A destination at `url`.
    static func destination(
        _ name: String = "crm",
        at url: String,
        isSelectable: Bool = false,
        headers: [String: String] = [:],
        _ authentication: Destination.Authentication = .none,
        over sender: any HTTPSending
    ) throws -> Destination {
        Destination(
            name: name,
            url: url,
            isSelectable: isSelectable,
            headers: try headers.sorted { $0.key < $1.key }
                .map { .init(name: $0.key, template: try Template(parsing: $0.value)) },
            authentication: authentication,
            connection: .init { sender },
            secrets: { Secrets(secrets).known($0) }
        )
    }

    /// Plans and performs one step that may use these destinations.
    private func run(
        _ options: [String: OptionValue],
        among destinations: [Destination],
        event: Event = .sample(message: "no")
    ) async throws(StepFailure) -> JSONObject {
        let world: World
        do { world = try World() } catch { throw .final("\(error)") }
        let prepared = try await prepare(options, among: destinations, event: event, in: world)
        return try await prepared.perform(world.context(for: event))
    }

    private func prepare(
        _ options: [String: OptionValue],
        among destinations: [Destination]?,
        event: Event = .sample(message: "no"),
        in world: World
    ) async throws(StepFailure) -> PreparedStep {
        let entries = options.sorted { $0.key < $1.key }.map { Options.Entry(key: $0.key, value: $0.value) }
        let registry = ActionRegistry.builtIn.knowing(destinations.map { Destinations($0) })
        guard let action = registry.make("http", options: Options(entries)) else { throw .final("no http") }
        return try await action.prepare(in: world.scope(for: event))
    }

    private func failure(
        _ options: [String: OptionValue],
        among destinations: [Destination],
        event: Event = .sample(message: "no")
    ) async -> StepFailure? {
        do throws(StepFailure) {
            _ = try await run(options, among: destinations, event: event)
            return nil
        } catch {
            return error
        }
    }

    @Test func `a step's path is behind the URL, and headers and token are the destination's`() async throws {
        try await RecordingServer.with { server in
            try await HTTPClientSender.with { sender in
                let crm = try Self.destination(
                    at: server.url + "/api/v9.2",
                    headers: ["Accept": "application/json", "X-Tenant": "${secret:TOKEN}", "X-Env": "prod"],
                    .bearer(try Template(parsing: "${secret:TOKEN}")),
                    over: sender
                )
                let options: [String: OptionValue] = [
                    "to": try .parsed("crm"), "path": try .parsed("/contracts/${event.message}?of=${event.message}"),
                    "method": "PATCH", "headers": try .parsed(["x-env": "test"]), "body": try .parsed("x"),
                    "query": try .parsed(["q": "a b"]),
                ]
                _ = try await run(options, among: [crm], event: .sample(message: "a/../b?c"))
                let request = try #require(server.requests.first)
                #expect(request.uri == "/api/v9.2/contracts/a%2F..%2Fb%3Fc?of=a%2F..%2Fb%3Fc&q=a%20b")
                #expect(request.method == "PATCH" && request.headers["authorization"] == "Bearer t0ken-of-the-crm")
                #expect(request.headers["accept"] == "application/json" && request.headers["x-env"] == "test")
                #expect(request.headers["x-tenant"] == "t0ken-of-the-crm")
            }
        }
    }

    @Test func `a user and a password go as RFC 7617 has it, and a raw header as it is`() async throws {
        try await RecordingServer.with { server in
            try await HTTPClientSender.with { sender in
                let password = try Template(parsing: "${secret:PASSWORD}")
                let basic = Destination.Authentication.basic(user: Template(literal: "countersign"), password: password)
                let all = [
                    try Self.destination("a", at: server.url, basic, over: sender),
                    try Self.destination(
                        "b",
                        at: server.url,
                        .authorization(try Template(parsing: "Key ${secret:TOKEN}")),
                        over: sender
                    ),
                ]
                for name in ["a", "b"] { _ = try await run(["to": .parsed(name)], among: all) }
                let pair = Data("countersign:pässword of the crm".utf8).base64EncodedString()
                let sent = server.requests.map { $0.headers["authorization"] }
                #expect(sent == ["Basic \(pair)", "Key t0ken-of-the-crm"])
            }
        }
    }

    @Test func `what the other side repeats of a secret is masked, and so is the plan`() async throws {
        let echo: @Sendable (RecordingServer.Request) -> RecordingServer.Answer = { request in
            .status(200, body: "you sent \(request.headers["authorization"] ?? "")")
        }
        try await RecordingServer.with(answering: echo) { server in
            try await HTTPClientSender.with { sender in
                let crm = try Self.destination(
                    at: server.url,
                    headers: ["X-Key": "${secret:TOKEN}"],
                    .bearer(try Template(parsing: "${secret:TOKEN}")),
                    over: sender
                )
                #expect(try await run(["to": .parsed("crm")], among: [crm])["body"] == "you sent •••")
                let plan = try await prepare(["to": .parsed("crm")], among: [crm], in: World()).plan
                #expect(plan["to"] == "crm" && plan["auth"] == "bearer" && plan["headers"]?["X-Key"] == "•••")
                #expect(plan["url"] == .string(server.url) && !plan.text.contains("t0ken"))
            }
        }
    }

    @Test func `body_raw sends the callback byte for byte`() async throws {
        let bytes = Array("{ \"name\":\"PACKAGE_OPT_OUT\",\n\"packageId\" : \"p\\u00e9\" , \"n\": 1.50 }".utf8)
        let event = Event(
            id: .init(rawValue: 1),
            name: "PACKAGE_OPT_OUT",
            payload: try JSON(parsing: bytes),
            origin: .callback,
            receivedAt: Date(timeIntervalSince1970: 0),
            package: ["data": ["app": "claims"]],
            body: bytes
        )
        try await RecordingServer.with { server in
            try await HTTPClientSender.with { sender in
                let claims = try Self.destination("claims", at: server.url, isSelectable: true, over: sender)
                let options: [String: OptionValue] = [
                    "to": try .parsed("${package.data.app}"), "path": try .parsed("/onespan"),
                    "body_raw": .boolean(true),
                ]
                _ = try await run(options, among: [claims], event: event)
                let request = try #require(server.requests.first)
                #expect(request.body == bytes && request.uri == "/onespan")
                #expect(request.headers["content-type"] == "application/json")
            }
        }
    }

    @Test(arguments: ["crm", "claim", "", "claims\nbank", "http://evil.example", "${secret:TOKEN}", "../claims"])
    func `a package chooses only what is selectable, and the failure lists that`(app: String) async throws {
        let event = Event.sample(message: "no").with(package: ["data": ["app": .string(app)]])
        let all = [
            try Self.destination("crm", at: "http://127.0.0.1:1", over: NoNetwork()),
            try Self.destination("claims", at: "http://127.0.0.1:1", isSelectable: true, over: NoNetwork()),
            try Self.destination("bank", at: "http://127.0.0.1:1", isSelectable: true, over: NoNetwork()),
        ]
        let failure = await failure(["to": try .parsed("${package.data.app}")], among: all, event: event)
        #expect(failure?.isWorthRetrying == false)
        #expect(failure?.reason.hasSuffix("those with 'selectable: true' are: 'bank', 'claims'") == true)
    }

    @Test func `a name that the settings do not define fails the step, with the nearest one`() async throws {
        let crm = try Self.destination(at: "http://127.0.0.1:1", over: NoNetwork())
        let failure = await failure(["to": try .parsed("crn")], among: [crm])
        #expect(failure == .final("the settings define no destination 'crn'; did you mean 'crm'?"))
    }

    @Test func `without settings a plan shows the path, and the step says what to set`() async throws {
        let world = try World()
        let options: [String: OptionValue] = ["to": try .parsed("crm"), "path": try .parsed("/a/${event.message}")]
        let prepared = try await prepare(options, among: nil, in: world)
        #expect(prepared.plan["to"] == "crm" && prepared.plan["path"] == "/a/no" && prepared.destination == "crm")
        let failure = await #expect(throws: StepFailure.self) { _ = try await prepared.perform(world.context()) }
        #expect(failure?.reason.contains("set it under 'destinations' in countersign.yaml") == true)
    }

    @Test func `a step cannot set the header that the destination's authentication sets`() async throws {
        let crm = try Self.destination(
            at: "http://127.0.0.1:1",
            .bearer(try Template(parsing: "${secret:TOKEN}")),
            over: NoNetwork()
        )
        let options: [String: OptionValue] = [
            "to": try .parsed("crm"), "headers": try .parsed(["authorization": "Bearer mine"]),
        ]
        let failure = await failure(options, among: [crm])
        #expect(failure?.reason == "the header 'authorization' is set by the destination 'crm'; leave it out")
    }

    @Test func `a secret that is not set fails the step, and another attempt may help`() async throws {
        let crm = try Self.destination(
            at: "http://127.0.0.1:1",
            .bearer(try Template(parsing: "${secret:ABSENT}")),
            over: NoNetwork()
        )
        let failure = await failure(["to": try .parsed("crm")], among: [crm])
        #expect(failure?.reason.contains("'ABSENT' is not set") == true && failure?.isWorthRetrying == true)
    }

    @Test(arguments: HostileText.all)
    func `a hostile value in a path stays one segment of it`(message: String) async throws {
        try await RecordingServer.with { server in
            try await HTTPClientSender.with { sender in
                let crm = try Self.destination(at: server.url + "/api", over: sender)
                let options: [String: OptionValue] = [
                    "to": try .parsed("crm"), "path": try .parsed("/in/${event.message}/x"), "body": try .parsed("b"),
                ]
                let failure = await failure(options, among: [crm], event: .sample(message: message))
                if message.isEmpty {
                    #expect(failure?.reason.contains("which the URL needs") == true)
                } else if let request = server.requests.first {
                    #expect(request.uri == "/api/in/\(message.percentEncoded)/x")
                } else {
                    // Longer than a server takes.
                    #expect(message.utf8.count > 50_000 && failure != nil)
                }
            }
        }
    }

    // MARK: OAuth 2.0

    private static func client(_ url: String, _ sender: any HTTPSending, _ clock: any WallClock) -> OAuthClient {
        OAuthClient(
            origin: .init(setting: "destinations.crm.auth.oauth2", client: "CRM_CLIENT"),
            grant: ClientCredentialsGrant(url: url, scope: "api", http: sender, clock: clock),
            clock: clock
        ) { () throws(StepFailure) in
            let script = TokenEndpoint.Script()
            return .init(id: script.id, secret: script.secret)
        }
    }

    @Test func `a token is fetched once for all steps, and anew once after a 401`() async throws {
        let clock = SystemWallClock()
        try await TokenEndpoint.with(clock: clock) { endpoint in
            let crm: @Sendable (RecordingServer.Request) -> RecordingServer.Answer = { request in
                let token = request.headers["authorization"]?.dropFirst("Bearer ".count) ?? ""
                return .status(endpoint.accepts(String(token)) ? 200 : 401, body: "token: \(token)")
            }
            try await RecordingServer.with(answering: crm) { server in
                try await HTTPClientSender.with { sender in
                    let client = Self.client(endpoint.url, sender, clock)
                    let crm = try Self.destination(at: server.url, .oauth(client), over: sender)
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for _ in 0..<8 {
                            group.addTask {
                                let outputs = try await run(["to": .parsed("crm")], among: [crm])
                                #expect(outputs["body"] == "token: •••")
                            }
                        }
                        try await group.waitForAll()
                    }
                    #expect(endpoint.requests.count == 1 && server.requests.count == 8)
                    endpoint.revokeAll()
                    #expect(try await run(["to": .parsed("crm")], among: [crm])["status_code"] == 200)
                    #expect(endpoint.requests.count == 2 && server.requests.count == 10)
                }
            }
        }
    }

    @Test func `a second 401 ends the step, and says so`() async throws {
        try await TokenEndpoint.with { endpoint in
            try await RecordingServer.with([.status(401, body: "no")]) { server in
                try await HTTPClientSender.with { sender in
                    let client = Self.client(endpoint.url, sender, SystemWallClock())
                    let crm = try Self.destination(at: server.url, .oauth(client), over: sender)
                    let failure = await failure(["to": try .parsed("crm")], among: [crm])
                    #expect(failure?.reason == "'crm' answered 401" && failure?.isWorthRetrying == false)
                    #expect(server.requests.count == 2 && endpoint.requests.count == 2)
                }
            }
        }
    }
}

extension Secrets {
    /// These secrets as somebody gets them who asks for `names`.
    fileprivate func known(_ names: Set<String>) -> Secrets {
        var values: [String: String] = [:]
        var missing: [String: String] = [:]
        for name in names {
            if let value = try? value(of: name) { values[name] = value } else { missing[name] = "'\(name)' is not set" }
        }
        return Secrets(values, missing: missing)
    }
}
