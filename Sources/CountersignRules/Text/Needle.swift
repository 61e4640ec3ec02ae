/// A text that is looked for in other texts, character by character.
///
/// `String`'s equality compares characters (grapheme clusters) under canonical equivalence, and so do these tests: `é`
/// is found however it was composed, and `e` is not found in `é`. Where both texts are ASCII, bytes are compared; CR is
/// left to the slow way because CR LF is one character.
package struct Needle: Sendable, Hashable {
    /// The text to look for; case-folded where case is ignored.
    package let text: String

    /// Whether case is ignored, by Unicode's simple case folding.
    package let ignoresCase: Bool

    /// The bytes, when comparing bytes is enough.
    private let bytes: [UInt8]?

    /// A text to look for, by default with its case.
    package init(_ text: String, ignoresCase: Bool = false) {
        let text = ignoresCase ? text.caseFolded : text
        self.text = text
        self.ignoresCase = ignoresCase
        bytes = text.utf8.allSatisfy { $0.isPlainASCII } ? Array(text.utf8) : nil
    }

    /// Whether the whole of `other` is this text.
    package func isEqual(to other: String) -> Bool {
        prepared(other) == text
    }

    /// Whether `other` begins with this text; with an empty one it always does.
    package func isPrefix(of other: String) -> Bool {
        let other = prepared(other)
        guard let bytes, other.utf8.allSatisfy({ $0.isPlainASCII }) else { return Array(other).starts(with: text) }
        return other.utf8.starts(with: bytes)
    }

    /// Whether `other` ends with this text; with an empty one it always does.
    package func isSuffix(of other: String) -> Bool {
        let other = prepared(other)
        guard let bytes, other.utf8.allSatisfy({ $0.isPlainASCII }) else {
            return other.reversed().starts(with: text.reversed())
        }
        return other.utf8.reversed().starts(with: bytes.reversed())
    }

    /// Whether this text is anywhere in `other`; an empty one always is.
    package func isFound(in other: String) -> Bool {
        let other = prepared(other)
        guard let bytes, other.utf8.allSatisfy({ $0.isPlainASCII }) else {
            return Self.isFound(Array(text), in: Array(other))
        }
        return Self.isFound(bytes, in: Array(other.utf8))
    }

    private func prepared(_ other: String) -> String {
        ignoresCase ? other.caseFolded : other
    }

    private static func isFound<Unit: Equatable>(_ needle: [Unit], in units: [Unit]) -> Bool {
        guard let first = needle.first else { return true }
        guard needle.count <= units.count else { return false }
        return (0...(units.count - needle.count))
            .contains { start in
                units[start] == first && units[start..<(start + needle.count)].elementsEqual(needle)
            }
    }
}

extension UInt8 {
    /// Whether the byte is an ASCII character of its own, whatever is beside it.
    var isPlainASCII: Bool { self < 0x80 && self != 0x0D }
}
