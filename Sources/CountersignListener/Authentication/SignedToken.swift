import CountersignCore
import Foundation

/// A JSON Web Token in its compact form (RFC 7515, section 7.1), read and not yet verified.
struct SignedToken {
    /// Longer than tokens of any issuer; a header field of a request has no room for more anyway.
    static let longest = 8 << 10

    /// Why a text is no such token; the end of a sentence about it.
    struct Malformed: Error {
        let reason: String
    }

    /// The algorithms that are accepted: those with a public key.
    ///
    /// RFC 7518, section 3.1, and RFC 8037. With HS256 anybody who knows the public key could sign, and `none` is no
    /// signature at all.
    static let algorithms: Set<String> = [
        "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
    ]

    /// The algorithm of its signature, one of `algorithms`.
    let algorithm: String

    /// The id of the key that signed it; nil where it names none.
    let keyID: String?
    let claims: TokenClaims

    /// What is signed.
    let signedBytes: [UInt8]
    let signature: [UInt8]

    init(_ text: String) throws(Malformed) {
        guard text.utf8.count <= Self.longest else {
            throw Malformed(reason: "has \(text.utf8.count) characters, more than the \(Self.longest) that are read")
        }
        let parts = Array(text.utf8).split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3 else {
            throw Malformed(reason: "is not a JSON Web Token; for opaque tokens set 'introspection_url'")
        }
        let header = try Self.object(parts[0], "header")
        guard let algorithm = header["alg"]?.string, Self.algorithms.contains(algorithm) else {
            let name = header["alg"]?.string?.cut(to: 20).printable ?? "none"
            throw Malformed(reason: "is signed with '\(name)', which is not accepted")
        }
        guard header["crit"] == nil else {
            throw Malformed(reason: "has critical header parameters that are not known here")
        }
        guard let signature = [UInt8](base64URL: parts[2]), !signature.isEmpty else {
            throw Malformed(reason: "has no signature in base64url")
        }
        self.algorithm = algorithm
        self.signature = signature
        keyID = header["kid"]?.string
        claims = TokenClaims(try Self.object(parts[1], "payload"))
        signedBytes = parts[0] + [UInt8(ascii: ".")] + parts[1]
    }

    private static func object(_ part: ArraySlice<UInt8>, _ name: String) throws(Malformed) -> JSON {
        guard let bytes = [UInt8](base64URL: part),
            let json = try? JSON(parsing: bytes, limits: JSON.Limits(depth: 16, keys: 500)), json.object != nil
        else { throw Malformed(reason: "has a \(name) that is not a JSON object in base64url") }
        return json
    }
}

extension [UInt8] {
    /// The bytes of a text in base64url without padding (RFC 4648, section 5); nil for any other text.
    init?(base64URL text: some Collection<UInt8>) {
        var plain: [UInt8] = []
        plain.reserveCapacity(text.count + 3)
        for byte in text {
            switch byte {
            case UInt8(ascii: "-"): plain.append(UInt8(ascii: "+"))
            case UInt8(ascii: "_"): plain.append(UInt8(ascii: "/"))
            case _ where byte.isLetter || byte.isDigit: plain.append(byte)
            default: return nil
            }
        }
        guard plain.count % 4 != 1 else { return nil }
        plain += Array(repeating: UInt8(ascii: "="), count: (4 - plain.count % 4) % 4)
        guard let data = Data(base64Encoded: Data(plain)) else { return nil }
        self = Array(data)
    }
}
