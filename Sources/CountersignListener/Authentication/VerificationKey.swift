import CountersignCore
import Foundation
import JWTKit

/// A public key of an issuer (RFC 7517), with the algorithms that it may be used with.
struct VerificationKey: Sendable {
    /// nil where the issuer gives it no id.
    let id: String?

    /// By their names; several for an RSA key of which the issuer does not say which one it is for.
    private let algorithms: [String: any JWTAlgorithm]

    /// The keys of a set that verify signatures; what is of another kind, for another use or damaged is left out.
    static func all(in set: JSON) async -> [VerificationKey] {
        var keys: [VerificationKey] = []
        for key in (set["keys"]?.array ?? []).prefix(100) {
            if let key = await VerificationKey(key) { keys.append(key) }
        }
        return keys
    }

    private init?(_ json: JSON) async {
        if let use = json["use"]?.string, use != "sig" { return nil }
        if let operations = json["key_ops"]?.array, !operations.contains("verify") { return nil }
        var algorithms: [String: any JWTAlgorithm] = [:]
        for (name, key) in Self.keys(json) {
            // A collection for each algorithm: with one for all, the first token would choose for those behind it.
            let collection = JWTKeyCollection()
            if (try? await collection.add(jwk: key)) != nil,
                let algorithm = try? await collection.getKey(for: Self.place, alg: name)
            {
                algorithms[name] = algorithm
            }
        }
        guard !algorithms.isEmpty else { return nil }
        id = json["kid"]?.string
        self.algorithms = algorithms
    }

    /// The key in the form of the library, for each algorithm that it may be used with.
    private static func keys(_ json: JSON) -> [(String, JWK)] {
        let names: [String]
        let make: (JWK.Algorithm) -> JWK
        switch (json["kty"]?.string, json["crv"]?.string) {
        case ("RSA", _):
            names = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"]
            make = {
                .rsa($0, identifier: place, modulus: json["n"]?.string, exponent: json["e"]?.string)
            }
        case ("EC", let curve?):
            guard let (name, own) = curves[curve] else { return [] }
            names = [name]
            make = { .ecdsa($0, identifier: place, x: json["x"]?.string, y: json["y"]?.string, curve: own) }
        case ("OKP", "Ed25519"):
            names = ["EdDSA"]
            make = { .octetKeyPair($0, identifier: place, x: json["x"]?.string, y: nil, curve: .ed25519) }
        default: return []
        }
        return names.filter { json["alg"] == nil || json["alg"]?.string == $0 }
            .compactMap { name in JWK.Algorithm(rawValue: name).map { (name, make($0)) } }
    }

    private static let place = JWKIdentifier(string: "key")

    private static let curves: [String: (String, ECDSACurve)] = [
        "P-256": ("ES256", .p256), "P-384": ("ES384", .p384), "P-521": ("ES512", .p521),
    ]

    /// Whether a token that names this key, or none, may have been signed by it.
    func mayHaveSigned(_ token: SignedToken) -> Bool {
        algorithms[token.algorithm] != nil && (token.keyID == nil || token.keyID == id)
    }

    func verifies(_ token: SignedToken) -> Bool {
        guard let algorithm = algorithms[token.algorithm] else { return false }
        return (try? algorithm.verify(token.signature, signs: token.signedBytes)) == true
    }
}
