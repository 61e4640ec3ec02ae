import Foundation

/// The texts in which a secret may show in what programs and servers say: as it is, in Base64, percent-encoded, in JSON.
enum SecretShapes {
    /// A shorter one would be found by chance in an encoded text.
    private static let shortestEncoded = 8

    /// The shapes of all secrets, the longest first.
    static func all(of secrets: [String]) -> [String] {
        Set(secrets.flatMap { shapes(of: $0) }).sorted { ($0.utf8.count, $0) > ($1.utf8.count, $1) }
    }

    private static func shapes(of secret: String) -> [String] {
        guard secret.utf8.count >= shortestEncoded else { return [secret] }
        let json = String(JSON.string(secret).text.dropFirst().dropLast())
        let form = secret.percentEncoded.replacing("%20", with: "+")
        let encoded = (0..<3).flatMap { base64(secret, behind: $0) }
        return [
            secret, secret.percentEncoded, secret.percentEncoded.replacing("%2F", with: "/"), form,
            secret.percentEncoded.lowercased(), json,
        ] + encoded
    }

    /// What is certain of the Base64 of a text in which so many bytes (modulo 3) are before the secret, such as
    /// `user:secret`: the characters into which no other rule reaches (RFC 4648, section 4, and section 5 for URLs).
    private static func base64(_ secret: String, behind count: Int) -> [String] {
        let bytes = [UInt8](repeating: 0, count: count) + Array(secret.utf8)
        let text = Data(bytes).base64EncodedString().filter { $0 != "=" }
        // A character holds six bits: those that the other rules share are left out at both ends.
        let front = count == 0 ? 0 : count + 1
        let rest = bytes.count % 3
        let certain = String(text.dropFirst(front).dropLast(rest == 0 ? 0 : 1))
        return [certain, certain.replacing("+", with: "-").replacing("/", with: "_")]
    }
}
