import CountersignCore
import Foundation
import NIOHTTP1
import Testing

/// Named tokens with roles, in the built program.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct NamedTokenTests {
    private static let rules = """
        rules:
          - id: broken
            when: { event: PACKAGE_COMPLETE }
            then: [{ id: stop, shell: exit 3, retry: { attempts: 1 } }]
        """

    private static let settings = """
        admin:
          tokens:
            reader: { role: view }
            on-call: { role: operate }
            deploy: { role: administer }
        """

    private static let names = ["reader", "on-call", "deploy"]

    private static func variable(_ name: String) -> String {
        "ADMIN_TOKEN_" + name.uppercased().replacing("-", with: "_")
    }

    private static func token(_ name: String) -> String { "the-token-of-\(name)-with-some-length" }

    private func serve(_ use: @escaping (RunningServer, (String) -> AdminClient) async throws -> Void) async throws {
        let tokens = Self.names.map { (Self.variable($0), Self.token($0)) }
        let environment = AdminClient.onFreePort.merging(tokens) { $1 }
        let deployment = try Deployment(rules: Self.rules, environment: environment)
        try deployment.write(Self.settings, to: "countersign.yaml")
        try await deployment.serve { server in
            let admin = try await AdminClient(server)
            try await server.post(event())
            _ = try await deployment.settledRuns(events: 1)
            try await use(server) { name in
                var client = admin
                client.headers = [("Authorization", "Bearer \(Self.token(name))")]
                return client
            }
        }
    }

    @Test func `a token to view looks at everything, and each act is refused and logged`() async throws {
        try await serve { server, client in
            let reader = client("reader")
            for path in ["", "runs", "runs/1", "rules/broken", "metrics", "api/v1/runs/1"] {
                let answer = try await reader.send(.GET, path)
                #expect(answer.status == 200 && !answer.body.contains("/retry\""), "\(path)")
            }
            #expect(try await reader.send(.POST, "api/v1/dry-run", body: event()).status == 200)
            let acts = try await Self.acts(of: reader)
            #expect(acts.count > 8)
            for (method, path) in acts {
                let answer = try await reader.send(method, path, body: "{}")
                #expect(answer.status == 403, "\(method) \(path)")
                #expect(answer.body.contains("'reader' has the role 'view'"), "\(answer.body)")
                _ = try await server.log.line(with: "Operator command", path, "by=reader", "status=403")
            }
            #expect(try await reader.api("/runs/1")["state"] == "failed")
        }
    }

    /// Everything that the API and the pages can be asked to change.
    private static func acts(of client: AdminClient) async throws -> [(HTTPMethod, String)] {
        // It has more keys than what is read from outside may have.
        let text = try await client.send(.GET, "api/v1/openapi.json").body
        let document = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
        let paths = try #require(document?["paths"] as? [String: [String: Any]])
        var acts: [(HTTPMethod, String)] = []
        for (path, operations) in paths.sorted(by: { $0.key < $1.key }) {
            for method in operations.keys.sorted() where !["get", "parameters"].contains(method) {
                guard !["/dry-run", "/diff"].contains(where: path.hasSuffix) else { continue }
                let filled = path.replacing(/\{[^}]*\}/, with: "1")
                let whole = filled.hasPrefix("/api/v1") ? filled : "/api/v1" + filled
                acts.append((HTTPMethod(rawValue: method.uppercased()), String(whole.dropFirst())))
            }
        }
        return acts
            + ["runs/1/retry", "runs/1/discard", "pauses", "pauses/resume", "pending/1/cancel"].map { (.POST, $0) }
    }

    @Test func `a token to operate retries and does not activate rules, one to administer does`() async throws {
        try await serve { server, client in
            let operating = client("on-call")
            #expect(try await operating.send(.GET, "runs/1").body.contains("/retry\""))
            #expect(try await operating.send(.POST, "api/v1/runs/1/retry").status == 200)
            _ = try await server.log.line(with: "Operator command", "runs/1/retry", "by=on-call", "status=200")
            let rules = #"{"folder": "/rules", "label": "new", "files": [["new.yaml", "rules: []"]]}"#
            let refusal = try await operating.send(.POST, "api/v1/rules", body: rules)
            #expect(refusal.status == 403 && refusal.body.contains("'administer'"), "\(refusal.body)")
            let answer = try await client("deploy").send(.POST, "api/v1/rules", body: rules)
            #expect(answer.status == 200, "\(answer.body)")
        }
    }

    @Test func `a browser that signs in has the role of its token, and shows whose it is`() async throws {
        try await serve { server, client in
            var browser = client("reader")
            browser.headers = []
            let signedIn = try await browser.send(.POST, "login", body: "token=\(Self.token("reader"))&to=/")
            let cookie = try #require(signedIn.headers.first(name: "Set-Cookie"))
            browser.headers = [("Cookie", String(cookie.prefix { $0 != ";" }))]
            let page = try await browser.send(.GET, "runs/1").body
            #expect(page.contains("reader (view)") && !page.contains("/retry\""))
            #expect(try await browser.send(.POST, "runs/1/retry").status == 403)
        }
    }

    @Test func `without a token everybody on the machine operates, and activates no rules`() async throws {
        let deployment = try Deployment(rules: Self.rules, environment: AdminClient.onFreePort)
        try await deployment.serve { server in
            let admin = try await AdminClient(server)
            let answer = try await admin.send(.POST, "api/v1/rules", body: #"{"files": []}"#)
            #expect(answer.status == 403 && answer.body.contains("COUNTERSIGN_ADMIN_TOKEN"), "\(answer.body)")
            #expect(try await admin.send(.POST, "api/v1/events", body: event()).status == 200)
        }
    }

    @Test(arguments: [
        ("ci: {}", [:], "requires the secret ADMIN_TOKEN_CI"),
        ("ci: {}", ["ADMIN_TOKEN_CI": "short"], "ADMIN_TOKEN_CI has fewer than 16 characters"),
        ("{ ci: {}, CI: {} }", ["ADMIN_TOKEN_CI": token("ci")], "both stand for the secret ADMIN_TOKEN_CI"),
        (
            "{ ci: {}, x: {} }", ["ADMIN_TOKEN_CI": token("ci"), "ADMIN_TOKEN_X": token("ci")],
            "ADMIN_TOKEN_CI and ADMIN_TOKEN_X are the same"
        ),
        ("ci: { role: operator }", ["ADMIN_TOKEN_CI": token("ci")], "'operate'"),
        ("admin: {}", ["ADMIN_TOKEN_ADMIN": token("ci")], "'admin' and 'local' are taken"),
        ("'a b': {}", [:], "use letters, digits"),
    ])
    func `a token that cannot be used is refused at the start`(
        tokens: String,
        secrets: [String: String],
        words: String
    ) async throws {
        let deployment = try Deployment(rules: Self.rules, environment: AdminClient.onFreePort.merging(secrets) { $1 })
        let text = tokens.hasPrefix("{") ? tokens : "{ \(tokens) }"
        try deployment.write("admin: { tokens: \(text) }\n", to: "countersign.yaml")
        let outcome = try await deployment.run(["serve"])
        #expect(outcome.status == .exited(2) && outcome.errors.contains(words), "\(outcome.errors)")
    }
}
