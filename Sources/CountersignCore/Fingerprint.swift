import Crypto

/// A short text that stands for a long one.
package enum Fingerprint {
    /// The SHA-256 of a text in 64 hex digits (FIPS 180-4).
    package static func of(_ text: String) -> String { SHA256.hash(data: Array(text.utf8)).hexDigits }
}
