package import CountersignCore
package import Crypto
package import CryptoExtras
import Foundation
import Synchronization

/// A local issuer of JSON Web Tokens: publishes its metadata and keys over HTTP, and signs what a test wants.
package final class LocalIssuer: Sendable {
    /// A pair of keys.
    package enum Key: Sendable {
        /// ES256.
        case elliptic(id: String, P256.Signing.PrivateKey)
        /// RS256 and its kin.
        case rsa(id: String, _RSA.Signing.PrivateKey)

        /// A new pair for ES256.
        package static func elliptic(_ id: String) -> Key { .elliptic(id: id, P256.Signing.PrivateKey()) }

        /// A new pair for RS256.
        package static func rsa(_ id: String) throws -> Key {
            .rsa(id: id, try _RSA.Signing.PrivateKey(keySize: .bits2048))
        }

        /// Its id.
        package var id: String {
            switch self {
            case .elliptic(let id, _), .rsa(let id, _): id
            }
        }

        /// What the issuer publishes of it (RFC 7517).
        package var published: JSON {
            get throws {
                switch self {
                case .elliptic(let id, let key):
                    let point = Array(key.publicKey.rawRepresentation)
                    return [
                        "kty": "EC", "crv": "P-256", "use": "sig", "kid": .string(id),
                        "x": .string(point.prefix(32).base64URL), "y": .string(point.suffix(32).base64URL),
                    ]
                case .rsa(let id, let key):
                    // As Microsoft publishes them: without 'alg'.
                    let numbers = try key.publicKey.getKeyPrimitives()
                    return [
                        "kty": "RSA", "use": "sig", "kid": .string(id), "n": .string(numbers.modulus.base64URL),
                        "e": .string(numbers.publicExponent.base64URL),
                    ]
                }
            }
        }

        /// The public key as text, as anybody can read it.
        package var publicPEM: String {
            switch self {
            case .elliptic(_, let key): key.publicKey.pemRepresentation
            case .rsa(_, let key): key.publicKey.pemRepresentation
            }
        }

        fileprivate func signature(of text: String) throws -> [UInt8] {
            switch self {
            case .elliptic(_, let key): Array(try key.signature(for: Data(text.utf8)).rawRepresentation)
            case .rsa(_, let key):
                Array(
                    try key.signature(for: SHA256.hash(data: Data(text.utf8)), padding: .insecurePKCS1v1_5)
                        .rawRepresentation
                )
            }
        }

        fileprivate var algorithm: String {
            switch self {
            case .elliptic: "ES256"
            case .rsa: "RS256"
            }
        }
    }

    private struct State {
        var url = ""
        var keys: [Key]
        var isAway = false
        var requests: [String] = []
        var active: [String: JSON] = [:]
    }

    private let state: Mutex<State>

    private init(_ keys: [Key]) {
        state = Mutex(State(keys: keys))
    }

    /// Runs an issuer with these keys while `body` lasts.
    package static func with<T>(_ keys: [Key], _ body: (LocalIssuer) async throws -> T) async throws -> T {
        let issuer = LocalIssuer(keys)
        return try await RecordingServer.with(answering: issuer.answer(to:)) { server in
            issuer.state.withLock { $0.url = server.url }
            return try await body(issuer)
        }
    }

    /// The issuer as its tokens name it.
    package var url: String { state.withLock { $0.url } + "/tenant" }

    /// Where it answers for opaque tokens (RFC 7662).
    package var introspectionURL: String { state.withLock { $0.url } + "/introspect" }

    /// The paths that were asked for.
    package var requests: [String] { state.withLock { $0.requests } }

    /// Publishes other keys from now on.
    package func publish(_ keys: [Key]) { state.withLock { $0.keys = keys } }

    /// Answers nothing but 503 from now on, or answers again.
    package func setAway(_ isAway: Bool) { state.withLock { $0.isAway = isAway } }

    /// Has an opaque token be known, with what is said of it beside `active`; nil to have it known no longer.
    package func set(_ claims: JSON?, for token: String) { state.withLock { $0.active[token] = claims } }

    /// The claims of a token that is accepted for `audience`, with changes; a claim that is null is left out.
    package func claims(_ changes: JSONObject = [:], audience: String = "countersign") -> JSON {
        let now = Int(Date().timeIntervalSince1970)
        var claims: JSONObject = [
            "iss": .string(url), "aud": .string(audience), "sub": "onespan-sign", "scope": "callbacks other",
            "iat": JSON(now), "nbf": JSON(now - 5), "exp": JSON(now + 300),
        ]
        for member in changes.members { claims[member.key] = member.value == .null ? nil : member.value }
        return .object(claims)
    }

    /// A token with these claims, signed by `key`; `header` is put over that of the key.
    package func token(_ key: Key, _ claims: JSON? = nil, header: JSONObject = [:]) throws -> String {
        var fields: JSONObject = ["alg": .string(key.algorithm), "typ": "at+jwt", "kid": .string(key.id)]
        for member in header.members { fields[member.key] = member.value == .null ? nil : member.value }
        let text = JSON.object(fields).bytes.base64URL + "." + (claims ?? self.claims()).bytes.base64URL
        return text + "." + (try key.signature(of: text)).base64URL
    }

    private func answer(to request: RecordingServer.Request) -> RecordingServer.Answer {
        state.withLock { state in
            state.requests.append(request.uri)
            guard !state.isAway else { return .status(503) }
            switch request.uri {
            case "/tenant/.well-known/openid-configuration":
                let json: JSON = [
                    "issuer": .string(state.url + "/tenant"), "jwks_uri": .string(state.url + "/tenant/keys"),
                ]
                return .status(200, body: json.text)
            case "/tenant/keys":
                let keys = state.keys.compactMap { try? $0.published }
                // One of a kind that nobody knows must not spoil the others.
                return .status(200, body: JSON.object(["keys": .array([["kty": "XYZ", "kid": "odd"]] + keys)]).text)
            case "/introspect":
                let token = RequestForm.value(of: "token", in: request.text)
                guard let claims = state.active[token]?.object else { return .status(200, body: #"{"active": false}"#) }
                var answer = claims
                answer["active"] = true
                return .status(200, body: JSON.object(answer).text)
            default: return .status(404)
            }
        }
    }
}

/// The fields of a form as a request sends them.
private enum RequestForm {
    static func value(of name: String, in text: String) -> String {
        for part in text.split(separator: "&") where part.hasPrefix(name + "=") {
            return String(part.dropFirst(name.count + 1)).removingPercentEncoding ?? ""
        }
        return ""
    }
}

extension Collection<UInt8> {
    /// The bytes in base64url without padding (RFC 4648, section 5).
    package var base64URL: String {
        Data(self).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
}
