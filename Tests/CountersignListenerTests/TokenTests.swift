import CountersignCore
import CountersignListener
import CountersignOutbound
import CountersignTesting
import Crypto
import Foundation
import Logging
import Testing

/// Tokens of a local issuer, over real sockets.
@Suite(.timeLimit(.minutes(2)))
struct TokenTests {
    /// For the whole process, which shuts them down with itself.
    private static let clients = OutgoingClients()

    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private func check(
        _ issuer: LocalIssuer,
        clock: any WallClock = SystemWallClock(),
        scope: Set<String> = ["callbacks"]
    ) -> (TokenIssuer, IssuerKeys, LogCapture) {
        let log = LogCapture()
        let sender = HTTPClientSender(clients: Self.clients, userAgent: "Tests")
        let keys = IssuerKeys(
            directory: IssuerDirectory(issuer: issuer.url, over: sender),
            folder: folder.path("issuers"),
            clock: clock,
            logger: log.logger()
        )
        return (TokenIssuer(keys: keys, audience: "countersign", scope: scope), keys, log)
    }

    private func result(
        _ checker: some TokenChecking,
        _ token: @autoclosure () throws -> String,
        at time: Date = Date()
    ) async throws -> TokenResult {
        await checker.check(try token(), at: time)
    }

    @Test func `tokens signed with elliptic and RSA keys are valid`() async throws {
        let keys = [LocalIssuer.Key.elliptic("e1"), try .rsa("r1")]
        try await LocalIssuer.with(keys) { issuer async throws in
            let (checker, _, _) = check(issuer)
            for key in keys {
                #expect(
                    try await result(checker, issuer.token(key)) == .valid(sender: "token of onespan-sign")
                )
            }
            // Once for all, as the keys are known then.
            #expect(issuer.requests.count == 2)
        }
    }

    @Test func `claims that do not fit are refused, each with its reason`() async throws {
        let key = LocalIssuer.Key.elliptic("e1")
        let now = Int(Date().timeIntervalSince1970)
        let cases: [(JSONObject, String)] = [
            (["aud": "other"], "is for the audience 'other', not for 'countersign'"),
            (["aud": ["other", "more"]], "not for 'countersign'"),
            (["aud": .null], "not for 'countersign'"),
            (["iss": "https://evil.example.com"], "is of the issuer 'https://evil.example.com'"),
            (["exp": JSON(now - 61)], "has expired"),
            (["exp": .null], "has no expiry time"),
            (["exp": "soon"], "has no expiry time"),
            (["nbf": JSON(now + 120)], "is not valid yet"),
            (["nbf": "later"], "has a start that is not a time"),
            (["scope": "other"], "lacks the scope 'callbacks'"),
        ]
        try await LocalIssuer.with([key]) { issuer async throws in
            let (checker, _, _) = check(issuer)
            for (changes, reason) in cases {
                guard
                    case .invalid(let told) = try await result(checker, issuer.token(key, issuer.claims(changes)))
                else {
                    Issue.record("accepted with \(changes)")
                    continue
                }
                #expect(told.contains(reason), "\(told)")
            }
            for changes: JSONObject in [
                ["aud": ["x", "countersign"]], ["exp": JSON(now - 30)], ["nbf": JSON(now + 30)],
                ["scope": .null, "scp": ["callbacks"]], ["scope": .null, "roles": ["callbacks"]],
            ] {
                let result = try await self.result(checker, issuer.token(key, issuer.claims(changes)))
                #expect(result == .valid(sender: "token of onespan-sign"), "\(changes)")
            }
        }
    }

    @Test func `a token without a signature, or signed with the public key as a secret, is refused`() async throws {
        let key = try LocalIssuer.Key.rsa("r1")
        try await LocalIssuer.with([key]) { issuer async throws in
            let (checker, _, _) = check(issuer)
            let real = try issuer.token(key)
            let parts = real.split(separator: ".").map(String.init)
            func header(_ json: JSON) -> String { json.bytes.base64URL }
            let none = header(["alg": "none"]) + "." + parts[1] + "."
            let hmacText = header(["alg": "HS256", "kid": "r1"]) + "." + parts[1]
            let secret = SymmetricKey(data: Data(key.publicPEM.utf8))
            let code = HMAC<SHA256>.authenticationCode(for: Data(hmacText.utf8), using: secret)
            let other = try issuer.token(.elliptic("r1"))
            let wrong = try issuer.token(try .rsa("r1"))
            let cases = [
                (none, "'none', which is not accepted"),
                (hmacText + "." + Array(code).base64URL, "'HS256', which is not"),
                (other, "which its issuer does not publish"), (wrong, "has a wrong signature"),
                (
                    parts[0] + "." + issuer.claims(["scope": "callbacks all"]).bytes.base64URL + "." + parts[2],
                    "wrong signature"
                ),
                (try issuer.token(key, header: ["crit": ["exp"]]), "critical header parameters"),
                (String(repeating: "a", count: 9_000), "more than the 8192 that are read"),
                ("opaque", "is not a JSON Web Token"), ("a.b.c", "is not a JSON object in base64url"),
                (real + "=", "has no signature in base64url"),
            ]
            for (token, reason) in cases {
                guard case .invalid(let told) = await checker.check(token, at: Date()) else {
                    Issue.record("accepted: \(reason)")
                    continue
                }
                #expect(told.contains(reason), "\(told)")
            }
        }
    }

    @Test func `a rotated key is fetched when it is first met, and the old one no longer accepted`() async throws {
        let (old, new) = (LocalIssuer.Key.elliptic("old"), LocalIssuer.Key.elliptic("new"))
        let clock = ManualClock(now: Date())
        try await LocalIssuer.with([old]) { issuer async throws in
            let (checker, _, log) = check(issuer, clock: clock)
            #expect(try await result(checker, issuer.token(old)) == .valid(sender: "token of onespan-sign"))
            issuer.publish([new])
            clock.advance(by: .seconds(10))
            #expect(try await result(checker, issuer.token(new)) == .valid(sender: "token of onespan-sign"))
            clock.advance(by: .seconds(10))
            let result = try await self.result(checker, issuer.token(old))
            #expect(result == .invalid("is signed with the key 'old', which its issuer does not publish"))
            #expect(log.lines.count { $0.message == "Keys of the issuer fetched" } == 2)
        }
    }

    @Test func `keys are kept over a restart while the issuer is away, and an unknown key is undecided`() async throws {
        let (known, unknown) = (LocalIssuer.Key.elliptic("known"), LocalIssuer.Key.elliptic("unknown"))
        try await LocalIssuer.with([known]) { issuer async throws in
            try await check(issuer).1.refresh()
            issuer.setAway(true)
            let (checker, keys, log) = check(issuer)
            await keys.load()
            #expect(try await result(checker, issuer.token(known)) == .valid(sender: "token of onespan-sign"))
            for _ in 0..<3 {
                guard case .undecided(let reason) = try await result(checker, issuer.token(unknown)) else {
                    Issue.record("decided")
                    return
                }
                #expect(reason.contains("answered 503"))
            }
            // It is not asked for each of them, and reported once.
            #expect(issuer.requests.count == 3)
            #expect(log.lines(at: .warning).count == 1)
            let file = try #require(
                FileManager.default.enumerator(atPath: folder.path("issuers"))?.nextObject() as? String
            )
            let attributes = try FileManager.default.attributesOfItem(atPath: folder.path("issuers/\(file)"))
            #expect(attributes[.posixPermissions] as? Int == 0o600)
        }
    }

    @Test func `metadata of another issuer are not believed`() async throws {
        try await LocalIssuer.with([.elliptic("e")]) { issuer async throws in
            let sender = HTTPClientSender(clients: Self.clients, userAgent: "Tests")
            let keys = IssuerKeys(
                directory: IssuerDirectory(issuer: issuer.url + "/", over: sender),
                folder: nil,
                clock: SystemWallClock(),
                logger: LogCapture().logger()
            )
            let failure = await #expect(throws: IssuerDirectory.Failure.self) { try await keys.refresh() }
            #expect(failure?.description.contains("write 'issuer' exactly like this") == true)
        }
    }

    @Test func `the endpoint is asked once a minute about an opaque token`() async throws {
        try await LocalIssuer.with([]) { issuer async throws in
            let clock = ManualClock(now: Date())
            let checker = TokenIntrospection(
                url: issuer.introspectionURL,
                audience: nil,
                scope: ["callbacks"],
                over: HTTPClientSender(clients: Self.clients, userAgent: "Tests"),
                clock: clock
            ) { () throws(StepFailure) in ClientCredentialsGrant.Client(id: "hooks", secret: "s") }
            issuer.set(["client_id": "ones", "scope": "callbacks"], for: "good")
            issuer.set(["client_id": "ones", "scope": "other"], for: "narrow")
            await withTaskGroup { group in
                for _ in 0..<20 { group.addTask { await checker.check("good", at: Date()) } }
                for await result in group { #expect(result == .valid(sender: "token of ones")) }
            }
            #expect(issuer.requests.count == 1)
            #expect(await checker.check("narrow", at: Date()) == .invalid("lacks the scope 'callbacks'"))
            #expect(await checker.check("made-up", at: Date()) == .invalid("is not active"))
            issuer.set(nil, for: "good")
            #expect(await checker.check("good", at: Date()) == .valid(sender: "token of ones"))
            clock.advance(by: .seconds(61))
            #expect(await checker.check("good", at: Date()) == .invalid("is not active"))
            issuer.setAway(true)
            clock.advance(by: .seconds(61))
            guard case .undecided = await checker.check("good", at: Date()) else {
                Issue.record("decided without the endpoint")
                return
            }
        }
    }
}
