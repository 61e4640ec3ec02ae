import CountersignCore
import CountersignListener
import CountersignTesting
import Foundation
import Testing

struct CallbackAuthenticatorTests {
    private struct Checker: TokenChecking {
        let name: String
        let result: TokenResult

        func check(_ token: String, at time: Date) async -> TokenResult { result }
    }

    private static let office = [NetworkPrefix("203.0.113.0/24")].compactMap(\.self)

    private func request(
        _ authorization: String? = nil,
        _ fields: [String: [String]] = [:],
        from address: String? = "203.0.113.7",
        certificate: ClientCertificate? = nil
    ) -> RequestCredentials {
        RequestCredentials(
            authorization: authorization,
            fields: { fields[$0] ?? [] },
            address: address.flatMap { IPAddress($0) },
            certificate: certificate
        )
    }

    private func outcome(_ authenticator: CallbackAuthenticator, _ request: RequestCredentials) async -> String {
        switch authenticator.decide(request) {
        case .accepted(let id): return "accepted: \(id)"
        case .refused(let reason): return "refused: \(reason)"
        case .pending(let check):
            switch await check.outcome(at: Date()) {
            case .accepted(let id): return "accepted: \(id)"
            case .refused(let reason): return "refused: \(reason)"
            case .unverified(let proof, let reason): return "unverified by \(proof.verifier): \(reason)"
            }
        }
    }

    @Test func `all requirements of one alternative have to be met`() async {
        let authenticator = CallbackAuthenticator(alternatives: [
            [.key(KeyRing([CallbackKey(id: "k", value: "key")])), .networks(Self.office)],
            [.header(SecretHeader(name: "X-Env", value: "prod")), .certificate(name: "sender.example.com")],
        ])
        #expect(await outcome(authenticator, request("Basic key")) == "accepted: k, network")
        #expect(
            await outcome(authenticator, request("Basic key", from: "198.51.100.1"))
                == "refused: alternative 1: the address 198.51.100.1 is in none of the networks; "
                + "alternative 2: the header 'x-env' is missing"
        )
        let certificate = ClientCertificate(names: ["sender.example.com"])
        let header = ["x-env": ["prod"]]
        #expect(
            await outcome(authenticator, request(nil, header, certificate: certificate))
                == "accepted: header x-env, certificate sender.example.com"
        )
        for fields in [["x-env": ["prod "]], ["x-env": ["prod", "prod"]], ["x-env": ["PROD"]], [:]] {
            #expect(await outcome(authenticator, request(nil, fields, certificate: certificate)).hasPrefix("refused"))
        }
        #expect(await outcome(authenticator, request(nil, header)).contains("has shown no certificate"))
        let other = ClientCertificate(names: ["other"])
        #expect(await outcome(authenticator, request(nil, header, certificate: other)).contains("not that of 'sender"))
    }

    @Test func `any of several issuers is enough, and one that is away decides nothing`() async {
        func authenticator(_ results: TokenResult...) -> CallbackAuthenticator {
            CallbackAuthenticator(
                alternatives: results.enumerated()
                    .map { index, result in [.bearer(Checker(name: "issuer \(index)", result: result))] }
            )
        }
        let request = request("Bearer a.b.c")
        #expect(await outcome(authenticator(.invalid("is bad"), .valid(sender: "s")), request) == "accepted: s")
        #expect(await outcome(authenticator(.undecided("away"), .valid(sender: "s")), request) == "accepted: s")
        #expect(
            await outcome(authenticator(.invalid("is bad"), .undecided("away")), request)
                == "unverified by issuer 1: away"
        )
        #expect(await outcome(authenticator(.invalid("is bad")), request) == "refused: the token is bad")
        #expect(await outcome(authenticator(.valid(sender: "s")), self.request("Basic x")).contains("no bearer token"))
        #expect(
            await outcome(authenticator(.valid(sender: "s")), self.request("Bearer a, Bearer b")).hasPrefix("refused")
        )
        #expect(await outcome(authenticator(.valid(sender: "s")), self.request()).contains("header is missing"))
    }

    @Test func `a token is not looked at where another requirement of its alternative is not met`() async {
        let checker = Checker(name: "i", result: .undecided("away"))
        let authenticator = CallbackAuthenticator(alternatives: [[.bearer(checker), .networks(Self.office)]])
        #expect(
            await outcome(authenticator, request("Bearer x", from: "198.51.100.1"))
                == "refused: the address 198.51.100.1 is in none of the networks"
        )
        #expect(await outcome(authenticator, request("Bearer x", from: nil)).contains("is not known"))
    }

    @Test(
        arguments: [
            ("127.0.0.1", ["203.0.113.9"], "203.0.113.9"),
            ("127.0.0.1", ["6.6.6.6, 203.0.113.9"], "203.0.113.9"),
            ("127.0.0.1", ["6.6.6.6", "203.0.113.9, 10.0.0.4"], "203.0.113.9"),
            ("127.0.0.1", ["203.0.113.9:4711"], "203.0.113.9"),
            ("127.0.0.1", ["[2001:db8::1]:4711"], "2001:db8::1"),
            ("127.0.0.1", ["::ffff:203.0.113.9"], "203.0.113.9"),
            ("127.0.0.1", [], "127.0.0.1"),
            ("127.0.0.1", ["10.0.0.4"], "10.0.0.4"),
            ("127.0.0.1", ["203.0.113.9, unknown"], nil),
            ("127.0.0.1", ["203.0.113.9,"], "203.0.113.9"),
            ("198.51.100.1", ["203.0.113.9"], "198.51.100.1"),
        ] as [(String, [String], String?)]
    )
    func `the client is the last address that is not that of a trusted proxy`(
        remote: String,
        forwarded: [String],
        client: String?
    ) {
        let proxies = TrustedProxies(["127.0.0.0/8", "10.0.0.0/8"].compactMap { NetworkPrefix($0) })
        #expect(proxies.client(behind: IPAddress(remote), forwarded: forwarded)?.description == client)
    }
}
