import CountersignCore
import Foundation

/// Looks for a text in the bodies of events as a reader sees them: an escape of JSON is the character that it means, and
/// upper and lower case are the same in every script.
package struct TextSearch {
    private let needle: [UInt8]
    private let isASCII: Bool

    /// A search for `text`; the empty text is found everywhere.
    package init(_ text: String) {
        needle = Self.folded(text)
        isASCII = needle.allSatisfy { $0 < 0x80 }
    }

    /// Whether the text is in `body` as it was sent, or in a key or value of the JSON that it is.
    package func matches(_ body: [UInt8]) -> Bool {
        if isFound(in: body) { return true }
        guard body.contains(UInt8(ascii: "\\")) else { return false }
        let limits = JSON.Limits(depth: 512, keys: .max)
        return (try? JSON(parsing: body, limits: limits)).map(isFound(inPartsOf:)) ?? false
    }

    private func isFound(inPartsOf json: JSON) -> Bool {
        switch json {
        case .object(let object):
            object.members.contains { isFound(in: Array($0.key.utf8)) || isFound(inPartsOf: $0.value) }
        case .array(let items): items.contains(where: isFound(inPartsOf:))
        case .string(let text): isFound(in: Array(text.utf8))
        // A number or a word of JSON holds no escape, so it was looked at in the body.
        default: false
        }
    }

    private func isFound(in bytes: [UInt8]) -> Bool {
        if isASCII { return bytes.contains(needle, folding: { $0.asciiLowercased }) }
        guard bytes.contains(where: { $0 >= 0x80 }) else { return false }
        return Self.folded(String(decoding: bytes, as: UTF8.self)).contains(needle, folding: { $0 })
    }

    private static func folded(_ text: String) -> [UInt8] {
        Array(text.precomposedStringWithCanonicalMapping.lowercased().utf8)
    }
}

extension [UInt8] {
    /// Whether `needle` stands somewhere in these bytes, each of them folded.
    fileprivate func contains(_ needle: [UInt8], folding: (UInt8) -> UInt8) -> Bool {
        guard let first = needle.first else { return true }
        guard count >= needle.count else { return false }
        return (0...count - needle.count)
            .contains { start in
                folding(self[start]) == first && needle.indices.allSatisfy { folding(self[start + $0]) == needle[$0] }
            }
    }
}
