/// Text that comes from outside as bytes: files, secrets, settings, standard input.
package enum OutsideText {
    /// Why bytes are no text.
    package enum Fault: Error, Equatable, CustomStringConvertible {
        /// A byte order mark, or NULs between the characters, tell of another encoding.
        case otherEncoding(String)
        case containsNUL
        case isNoUTF8(offset: Int)

        /// What is wrong and what to do, as a clause about the text.
        package var description: String {
            switch self {
            case .otherEncoding(let name): "it is encoded in \(name); save it as UTF-8"
            case .containsNUL: "it contains a NUL; save it as UTF-8"
            case .isNoUTF8(let offset): "byte \(offset + 1) is not valid UTF-8; save it as UTF-8"
            }
        }
    }

    /// The byte order mark of UTF-8 (RFC 3629, section 6), which editors put before a text and no reader wants.
    package static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

    /// The text of `bytes`, which are UTF-8; a byte order mark before it is dropped.
    ///
    /// - Throws: `Fault` for another encoding; nothing is replaced in silence.
    package static func decode(_ bytes: some Collection<UInt8>) throws(Fault) -> String {
        let start = Array(bytes.prefix(4))
        if start.starts(with: [0xFF, 0xFE, 0, 0]) || start == [0, 0, 0xFE, 0xFF] { throw .otherEncoding("UTF-32") }
        if start.starts(with: [0xFF, 0xFE]) || start.starts(with: [0xFE, 0xFF]) { throw .otherEncoding("UTF-16") }
        let text = start.starts(with: byteOrderMark) ? Array(bytes.dropFirst(3)) : Array(bytes)
        guard !text.contains(0) else { throw .containsNUL }
        guard let decoded = String(validating: text, as: UTF8.self) else {
            let whole = String(decoding: text, as: UTF8.self).utf8
            let same = zip(whole, text).prefix { $0 == $1 }.count
            throw .isNoUTF8(offset: same + bytes.count - text.count)
        }
        return decoded
    }
}

extension Character {
    /// Whether it ends a line.
    ///
    /// CR LF is one character in Swift (UAX #29), so that a comparison with `"\n"` alone misses every line of a text from
    /// Windows or from a mail.
    package var isLineEnd: Bool { self == "\n" || self == "\r\n" || self == "\r" }
}

extension StringProtocol {
    /// The text with LF in the place of each CR LF and each CR.
    package var withLineFeeds: String {
        guard utf8.contains(UInt8(ascii: "\r")) else { return String(self) }
        var out = String.UnicodeScalarView()
        var previous: Unicode.Scalar?
        for scalar in unicodeScalars {
            switch scalar {
            case "\n" where previous == "\r": break
            case "\r": out.append("\n")
            default: out.append(scalar)
            }
            previous = scalar
        }
        return String(out)
    }

    /// The lines, cut at each LF, CR LF and CR; an empty text has one, which is empty.
    package var lines: [SubSequence] { split(omittingEmptySubsequences: false) { $0.isLineEnd } }
}
