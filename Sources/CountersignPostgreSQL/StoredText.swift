import Crypto

/// How texts are written into columns: PostgreSQL's `text` takes no U+0000, and its indexes no long values.
///
/// A backslash is doubled and U+0000 becomes `\0`, so that different texts stay different, prefixes stay prefixes, and
/// people can read them.
enum StoredText {
    /// Longer index copies are cut; an entry of an index holds 2,704 bytes at most.
    private static let longestIndexed = 1_000

    private static let backslash = UInt8(ascii: "\\")

    static func escaped(_ text: String) -> [UInt8] {
        var text = text
        return text.withUTF8 { escaped($0) }
    }

    /// The same for the UTF-8 of a text.
    static func escaped(_ bytes: some Collection<UInt8>) -> [UInt8] {
        guard bytes.contains(where: { $0 == backslash || $0 == 0 }) else { return Array(bytes) }
        var escaped: [UInt8] = []
        escaped.reserveCapacity(bytes.count + 16)
        for byte in bytes {
            switch byte {
            case backslash: escaped.append(contentsOf: [backslash, backslash])
            case 0: escaped.append(contentsOf: [backslash, UInt8(ascii: "0")])
            default: escaped.append(byte)
            }
        }
        return escaped
    }

    /// The text for a column that has an index: of a long one its beginning, `\#` and its hash.
    static func indexed(_ text: String) -> [UInt8] { indexed(Array(text.utf8)) }

    /// The same for the UTF-8 of a text.
    static func indexed(_ bytes: [UInt8]) -> [UInt8] {
        let escaped = escaped(bytes)
        guard escaped.count > longestIndexed else { return escaped }
        var end = longestIndexed - 80
        // Never within a character, nor within an escape.
        while escaped[end] & 0xC0 == 0x80 || escaped[end - 1] == backslash { end -= 1 }
        let hash = SHA256.hash(data: escaped).flatMap { $0.hexDigits }
        return escaped[..<end] + [backslash, UInt8(ascii: "#")] + hash
    }

    /// The text where its copy for a column with an index is cut, for a column beside that; else nil.
    static func whole(_ text: String?) -> String? { text.flatMap { escaped($0).count > longestIndexed ? $0 : nil } }

    /// Whether a text of a column is the cut copy of a longer one.
    static func isCut(_ bytes: some Collection<UInt8>) -> Bool {
        var previous: UInt8 = 0
        for byte in bytes {
            if previous == backslash {
                if byte == UInt8(ascii: "#") { return true }
                previous = 0
            } else {
                previous = byte
            }
        }
        return false
    }

    static func unescaped(_ bytes: some Collection<UInt8>) -> String {
        String(decoding: unescapedBytes(bytes), as: UTF8.self)
    }

    /// The UTF-8 of the text.
    static func unescapedBytes(_ bytes: some Collection<UInt8>) -> [UInt8] {
        guard bytes.contains(backslash) else { return Array(bytes) }
        var plain: [UInt8] = []
        plain.reserveCapacity(bytes.count)
        var isEscape = false
        for byte in bytes {
            if isEscape {
                plain.append(byte == UInt8(ascii: "0") ? 0 : byte)
                isEscape = false
            } else if byte == backslash {
                isEscape = true
            } else {
                plain.append(byte)
            }
        }
        return plain
    }
}

extension Sequence<UInt8> {
    /// The digits of all bytes.
    var hexDigits: String { String(decoding: flatMap(\.hexDigits), as: UTF8.self) }
}

extension UInt8 {
    /// Its two digits as ASCII.
    var hexDigits: [UInt8] {
        let digits = Array("0123456789abcdef".utf8)
        return [digits[Int(self >> 4)], digits[Int(self & 15)]]
    }
}
