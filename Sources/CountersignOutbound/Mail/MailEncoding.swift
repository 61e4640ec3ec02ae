import CountersignCore
import Foundation

/// The encodings of mail: signs beyond ASCII in lines of ASCII that are never too long.
package enum MailEncoding {
    private static let longestLine = 76

    /// A header's text, one line, as it is or as encoded words (RFC 2047); it is folded into lines, of which the first one
    /// has `used` characters already.
    package static func header(_ text: String, behind used: Int) -> String {
        let isPlain = text.utf8.allSatisfy { (0x20...0x7E).contains($0) } && !text.contains("=?")
        return isPlain && isFoldable(text, used) ? folded(text, used) : words(text)
    }

    /// A name before an address, cut where it is longer than names are: plain words, a quoted text, or encoded words.
    package static func phrase(_ text: String) -> String {
        let text = text.cut(to: 60)
        guard text.utf8.allSatisfy({ (0x20...0x7E).contains($0) }), !text.contains("=?") else { return words(text) }
        let signs = "!#$%&'*+-/=?^_`{|}~ "
        let isPlain = text.utf8.allSatisfy { $0.isLetter || $0.isDigit || signs.utf8.contains($0) }
        guard !isPlain else { return text }
        return "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }

    /// Encoded words of at most 75 characters, each whole signs of UTF-8.
    private static func words(_ text: String) -> String {
        var words: [String] = []
        var bytes: [UInt8] = []
        for scalar in text.unicodeScalars {
            let next = Array(String(scalar).utf8)
            if bytes.count + next.count > 42 {
                words.append(word(bytes))
                bytes = []
            }
            bytes += next
        }
        words.append(word(bytes))
        return words.joined(separator: "\r\n ")
    }

    private static func word(_ bytes: [UInt8]) -> String { "=?utf-8?B?\(Data(bytes).base64EncodedString())?=" }

    private static func isFoldable(_ text: String, _ used: Int) -> Bool {
        // A line may have 998 characters, and most should have 78; a long word cannot be broken as it is.
        text.split(separator: " ").allSatisfy { $0.utf8.count <= longestLine - used }
            && !text.hasPrefix(" ") && !text.hasSuffix(" ") && !text.contains("  ")
    }

    private static func folded(_ text: String, _ used: Int) -> String {
        var lines: [String] = []
        var line = ""
        var limit = longestLine - used
        for word in text.split(separator: " ") {
            if !line.isEmpty, line.utf8.count + 1 + word.utf8.count > limit {
                lines.append(line)
                line = ""
                limit = longestLine - 1
            }
            line += line.isEmpty ? "\(word)" : " \(word)"
        }
        lines.append(line)
        return lines.joined(separator: "\r\n ")
    }

    /// A text as quoted-printable (RFC 2045, section 6.7), its line ends as CR LF.
    package static func quotedPrintable(_ text: String) -> [UInt8] {
        var out: [UInt8] = []
        let lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            let bytes = line.last == 0x0D ? Array(line.dropLast()) : Array(line)
            append(bytes, to: &out)
            if index < lines.count - 1 { out += [0x0D, 0x0A] }
        }
        if out.suffix(2) != [0x0D, 0x0A] { out += [0x0D, 0x0A] }
        return out
    }

    private static func append(_ line: [UInt8], to out: inout [UInt8]) {
        var length = 0
        for (index, byte) in line.enumerated() {
            let isLast = index == line.count - 1
            let isSpace = byte == 0x20 || byte == 0x09
            let isPlain = (0x21...0x7E).contains(byte) && byte != UInt8(ascii: "=") || isSpace && !isLast
            // A dot alone on a line, and "From " at its beginning, mean something on the way.
            let isTouchy = length == 0 && byte == UInt8(ascii: ".") || index == 0 && line.starts(with: "From ".utf8)
            let encoded: [UInt8] = isPlain && !isTouchy ? [byte] : hex(byte)
            if length + encoded.count > longestLine - 1 {
                out += [UInt8(ascii: "="), 0x0D, 0x0A]
                length = 0
            }
            out += encoded
            length += encoded.count
        }
    }

    private static func hex(_ byte: UInt8) -> [UInt8] {
        let digits = Array("0123456789ABCDEF".utf8)
        return [UInt8(ascii: "="), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    }
}
