import CountersignCore
import Glibc

/// The charset of a text in a mail (RFC 2046, section 4.1.2), read by the system's iconv(3), which knows those of IANA's list.
struct Charset: Sendable {
    /// A text, and why it may not be the one that was written.
    struct Decoded: Sendable, Equatable {
        let text: String

        /// Nil where every character is certain; else some stand as U+FFFD, and only what is ASCII can be relied on.
        let fault: String?
    }

    /// As the mail names it; nil where it names none.
    private let name: String?

    init(name: String?) {
        self.name = name?.isEmpty == false ? name : nil
    }

    /// The text of `bytes`; nothing is replaced in silence.
    func decode(_ bytes: [UInt8]) -> Decoded {
        if bytes.allSatisfy({ $0 < 0x80 }), isSupersetOfASCII {
            return Decoded(text: String(decoding: bytes, as: UTF8.self), fault: nil)
        }
        guard let name, !["utf-8", "utf8", "us-ascii", "ascii"].contains(name.lowercased()) else {
            if let text = String(validating: bytes, as: UTF8.self) { return Decoded(text: text, fault: nil) }
            return unreadable(bytes, "it is not valid UTF-8, and the email specifies no other charset")
        }
        guard let converted = Self.convert(bytes, from: name) else {
            return unreadable(bytes, "its charset '\(String(name.prefix(60)).printable)' is not supported")
        }
        guard let text = String(validating: converted.bytes, as: UTF8.self), converted.isWhole else {
            return unreadable(
                bytes,
                "it has bytes that are invalid in its charset '\(String(name.prefix(60)).printable)'"
            )
        }
        return Decoded(text: text, fault: nil)
    }

    private func unreadable(_ bytes: [UInt8], _ fault: String) -> Decoded {
        Decoded(
            text: String(decoding: bytes, as: UTF8.self),
            fault: fault + "; save the body as UTF-8 and try that file"
        )
    }

    /// Whether bytes below 0x80 are the characters of ASCII; where they need not be, iconv is asked.
    private var isSupersetOfASCII: Bool {
        guard let name = name?.lowercased() else { return true }
        return ["utf-8", "utf8", "us-ascii", "ascii"].contains(name) || name.hasPrefix("iso-8859-")
            || name.hasPrefix("windows-")
    }

    /// The bytes in UTF-8, as far as they can be read; nil where the charset is not known.
    private static func convert(_ bytes: [UInt8], from name: String) -> (bytes: [UInt8], isWhole: Bool)? {
        // A slash would begin instructions to iconv ("//TRANSLIT").
        let isName =
            name.utf8.count <= 60 && name.utf8.allSatisfy { $0.isLetter || $0.isDigit || "-_.:+()".utf8.contains($0) }
        guard isName, let converter = iconv_open("UTF-8", name), converter != iconv_t(bitPattern: -1) else {
            return nil
        }
        defer { iconv_close(converter) }
        // No charset has a character of one byte that takes more than four in UTF-8.
        var out = [CChar](repeating: 0, count: 4 * bytes.count + 16)
        let capacity = out.count
        var source = bytes.map { CChar(bitPattern: $0) }
        var left = source.count
        var room = capacity
        let isWhole = source.withUnsafeMutableBufferPointer { source in
            out.withUnsafeMutableBufferPointer { out in
                var from = source.baseAddress
                var to = out.baseAddress
                return iconv(converter, &from, &left, &to, &room) >= 0 && left == 0
                    && iconv(converter, nil, nil, &to, &room) >= 0
            }
        }
        return (out.prefix(capacity - room).map { UInt8(bitPattern: $0) }, isWhole)
    }
}
