import CountersignCore
import CountersignTesting
import Foundation
import NIOHTTP1
import Testing

/// `callback.auth` with a list of alternatives: tokens, headers, networks.
@Suite(.serialized, .timeLimit(.minutes(3)))
struct CallbackAuthenticationTests {
    private static let noRules = "rules: []\n"

    private func bearer(_ token: String) -> [(String, String)] { [("Authorization", "Bearer \(token)")] }

    private func settings(_ issuer: LocalIssuer) -> String {
        """
        callback:
          auth:
            - { key: true }
            - { bearer: { issuer: "\(issuer.url)", audience: countersign, scope: callbacks } }
        """
    }

    @Test func `a key is replaced by tokens of an issuer whose keys rotate, and bad tokens are refused`() async throws {
        let (old, new) = (try LocalIssuer.Key.rsa("2026-11"), LocalIssuer.Key.elliptic("2026-12"))
        try await LocalIssuer.with([old]) { issuer async throws in
            let deployment = try Deployment(rules: Self.noRules, settings: settings(issuer))
            try await deployment.serve { server in
                func status(_ token: String, _ package: String = "p") async throws -> Int {
                    try await server.send(
                        .POST,
                        "/callback",
                        body: event(package: package),
                        key: nil,
                        fields: bearer(token)
                    )
                    .status
                }
                #expect(try await server.post(event(package: "key")).status == 200)
                #expect(try await status(issuer.token(old), "old") == 200)
                issuer.publish([old, new])
                #expect(try await status(issuer.token(new), "new") == 200)
                #expect(try await status(issuer.token(old), "still") == 200)
                let now = Int(Date().timeIntervalSince1970)
                let parts = try issuer.token(old).split(separator: ".").map(String.init)
                let none = JSON.object(["alg": "none"]).bytes.base64URL + "." + parts[1] + "."
                for (token, reason) in [
                    (none, "'none', which is not accepted"),
                    (try issuer.token(old, header: ["alg": "HS256"]), "'HS256', which is not accepted"),
                    (try issuer.token(old, issuer.claims(["aud": "other"])), "not for 'countersign'"),
                    (try issuer.token(old, issuer.claims(["exp": JSON(now - 90)])), "has expired"),
                    (try issuer.token(old, issuer.claims(["nbf": JSON(now + 90)])), "is not valid yet"),
                    (try issuer.token(old, issuer.claims(["iss": "https://other.example.com"])), "is of the issuer"),
                    (try issuer.token(try .rsa("2026-11")), "has a wrong signature"),
                ] {
                    #expect(try await status(token) == 401)
                    _ = try await server.log.line(with: "Request refused", reason)
                    #expect(!server.log.text.contains(token))
                }
                #expect(try await status(String(repeating: "a", count: 9_000)) == 431)
                let answer = try await server.send(.POST, "/callback", body: event(), key: "wrong")
                #expect(answer.status == 401 && answer.headers["WWW-Authenticate"] == ["Basic", "Bearer"])
                #expect(!answer.body.contains("alternative"))
                #expect(try await deployment.list("events").count == 4)
            }
        }
    }

    @Test func `while the issuer is away known keys count, and other callbacks are verified when it is back`()
        async throws
    {
        let (known, unknown) = (LocalIssuer.Key.elliptic("known"), LocalIssuer.Key.elliptic("unknown"))
        try await LocalIssuer.with([known]) { issuer async throws in
            let deployment = try Deployment(rules: Self.noRules, settings: settings(issuer))
            try await deployment.serve { server in
                _ = try await server.log.line(with: "Keys of the issuer fetched")
            }
            issuer.setAway(true)
            try await deployment.serve { server in
                func post(_ key: LocalIssuer.Key, _ package: String) async throws -> RunningServer.Answer {
                    let fields = bearer(try issuer.token(key))
                    return try await server.send(
                        .POST,
                        "/callback",
                        body: event(package: package),
                        key: nil,
                        fields: fields
                    )
                }
                #expect(try await post(known, "known").status == 200)
                let answer = try await post(unknown, "unknown")
                let told = try answer.json
                #expect(answer.status == 200 && told["status"] == "unverified")
                let forged = try await post(.elliptic("forged"), "forged")
                #expect(forged.status == 200)
                #expect(try await deployment.list("events").count == 1)
                let kept = try await deployment.list("events", "--quarantined")
                #expect(kept.count == 2 && kept.allSatisfy { $0["reason"]?.string?.hasPrefix("unverified: ") == true })
            }
            issuer.publish([known, unknown])
            issuer.setAway(false)
            try await deployment.serve { server in
                _ = try await server.log.line(with: "Quarantined callback verified", "event.id=2")
                _ = try await server.log.line(
                    with: "Quarantined callback not verified",
                    "which its issuer does not publish"
                )
            }
            let events = try await deployment.list("events")
            #expect(events.compactMap { $0["payload"]?["packageId"]?.string }.sorted() == ["known", "unknown"])
            let kept = try await deployment.list("events", "--quarantined")
            #expect(kept.contains { $0["reason"]?.string?.hasPrefix("verified: ") == true })
            #expect(!kept.contains { $0["reason"]?.string?.hasPrefix("unverified: ") == true })
        }
    }

    @Test func `headers with secrets and networks behind a trusted proxy`() async throws {
        let deployment = try Deployment(
            rules: Self.noRules,
            settings: """
                callback:
                  auth:
                    - header: [{ name: X-Env, value: "${secret:CALLBACK_ENV}" }, { name: X-Tenant, value: t1 }]
                      networks: [203.0.113.0/24]
                  trusted_proxies: [127.0.0.1]
                """,
            environment: ["CALLBACK_ENV": "s3cret-env", "COUNTERSIGN_CALLBACK_KEY": ""]
        )
        try await deployment.serve { server in
            func status(_ fields: [(String, String)]) async throws -> Int {
                try await server.send(.POST, "/callback", body: event(), key: nil, fields: fields).status
            }
            let (env, tenant, hop) = (("X-Env", "s3cret-env"), ("X-Tenant", "t1"), "X-Forwarded-For")
            #expect(try await status([env, tenant, (hop, "203.0.113.9")]) == 200)
            #expect(try await status([env, tenant, (hop, "203.0.113.9, 198.51.100.1")]) == 403)
            _ = try await server.log.line(with: "Request refused", "198.51.100.1 is in none", "client=198.51.100.1")
            #expect(try await status([env, tenant]) == 403)
            #expect(try await status([env, (hop, "203.0.113.9")]) == 403)
            #expect(try await status([("X-Env", "wrong"), tenant, (hop, "203.0.113.9")]) == 403)
            #expect(!server.log.text.contains("s3cret-env"))
        }
    }

    @Test func `an opaque token is looked up at its issuer`() async throws {
        try await LocalIssuer.with([]) { issuer async throws in
            let deployment = try Deployment(
                rules: Self.noRules,
                settings: """
                    callback:
                      auth: { bearer: { introspection_url: "\(issuer.introspectionURL)", client: HOOKS, scope: callbacks } }
                    """,
                environment: ["HOOKS_ID": "hooks", "HOOKS_SECRET": "s3cret", "COUNTERSIGN_CALLBACK_KEY": ""]
            )
            issuer.set(["scope": "callbacks"], for: "good-token")
            try await deployment.serve { server in
                for (token, wanted) in [("good-token", 200), ("made-up", 401)] {
                    let fields = bearer(token)
                    let answer = try await server.send(.POST, "/callback", body: event(), key: nil, fields: fields)
                    #expect(answer.status == wanted)
                }
                _ = try await server.log.line(with: "Request refused", "the token is not active")
            }
            let examined = try await deployment.run("doctor")
            #expect(examined.output.contains("'\(issuer.introspectionURL)' responds"))
        }
    }

    @Test func `the doctor asks the issuer`() async throws {
        try await LocalIssuer.with([.elliptic("a"), .elliptic("b")]) { issuer async throws in
            let deployment = try Deployment(rules: Self.noRules, settings: settings(issuer))
            #expect(try await deployment.run("doctor").output.contains("'\(issuer.url)' publishes 2 keys"))
            issuer.setAway(true)
            #expect(try await deployment.run("doctor").output.contains("answered 503"))
        }
    }

    @Test(arguments: [
        ("[{ keey: true }]", "did you mean 'key'?"), ("tokens", "not 'tokens'"), ("[]", "is an empty list"),
        ("[{ key: false }]", "requires nothing, so anyone could post events"),
        ("[{ key: true, bearer: { issuer: \"https://a\", audience: b } }]", "make them two alternatives"),
        ("[{ bearer: { issuer: \"http://example.com\", audience: b } }]", "must be a URL that begins with https://"),
        ("[{ bearer: { issuer: \"https://a.example.com\" } }]", "'bearer' needs 'audience'"),
        ("[{ bearer: { introspection_url: \"https://a.example.com\" } }]", "needs 'client'"),
        ("[{ networks: [10.0.0.1/8] }]", "must be a network such as"),
        ("[{ client_certificate: { subject: a } }]", "set 'tls.client_ca'"),
        ("[{ header: { name: X-A } }]", "needs the option 'value'"),
        ("[{ header: { name: Authorization, value: x } }]", "use 'key', 'bearer' or 'networks'"),
        ("[{ header: { name: X-A, value: \"${secret:NOT_SET_HERE}\" } }]", "the secret 'NOT_SET_HERE' is not set"),
    ])
    func `a wrong setting is reported before anything starts`(auth: String, hint: String) async throws {
        let deployment = try Deployment(rules: Self.noRules, settings: "callback:\n  auth: \(auth)\n")
        let outcome = try await deployment.run("serve")
        #expect(outcome.status == .exited(2))
        #expect(outcome.errors.contains(hint), "\(outcome.errors)")
    }
}
