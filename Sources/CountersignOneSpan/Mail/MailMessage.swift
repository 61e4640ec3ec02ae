import Foundation

/// An e-mail (RFC 5322) taken apart: the texts that a person would read in it, those of forwarded mails included.
struct MailMessage: Sendable {
    /// One text of the mail, decoded to characters.
    struct Text: Sendable, Equatable {
        let characters: String
        let isHTML: Bool

        /// Why characters beyond ASCII may not be those that were written; nil where they are.
        var fault: String?
    }

    /// How deep parts may lie in one another; a mail that was forwarded ten times has about thirty.
    private static let deepest = 50

    let texts: [Text]

    /// Takes `bytes` apart; nil when they do not begin with the header fields of a mail.
    init?(parsing bytes: [UInt8]) {
        guard Self.looksLikeMail(bytes) else { return nil }
        texts = MailPart(parsing: bytes[...]).texts(deepest: Self.deepest)
    }

    /// Whether the first lines are header fields, one of which only mails have.
    private static func looksLikeMail(_ bytes: [UInt8]) -> Bool {
        let headers = MailHeaders(parsing: bytes[...].droppingByteOrderMark)
        let telling = ["from", "received", "mime-version", "return-path", "message-id", "subject", "content-type"]
        return headers.areWellFormed && telling.contains { headers[$0] != nil }
    }
}

/// A mail or a part of one (RFC 2045, RFC 2046): header fields, and a body that they describe.
private struct MailPart {
    private let headers: MailHeaders
    private let body: ArraySlice<UInt8>

    init(parsing bytes: ArraySlice<UInt8>) {
        headers = MailHeaders(parsing: bytes.droppingByteOrderMark)
        body = headers.rest
    }

    func texts(deepest: Int) -> [MailMessage.Text] {
        guard deepest > 0 else { return [] }
        let type = HeaderValue(headers["content-type"] ?? "text/plain")
        let content = TransferEncoding(name: headers["content-transfer-encoding"]).decode(body)
        if type.value.hasPrefix("multipart/") {
            guard let boundary = type.parameters["boundary"], !boundary.isEmpty else { return [] }
            return content[...].parts(dividedBy: Array("--\(boundary)".utf8))
                .flatMap { MailPart(parsing: $0).texts(deepest: deepest - 1) }
        }
        switch type.value {
        case "message/rfc822", "message/global": return MailPart(parsing: content[...]).texts(deepest: deepest - 1)
        case "text/html": return [type.text(of: content, isHTML: true)]
        // The attachment that a mail program makes of a saved body.
        case let name where name.hasPrefix("text/") || name.hasSuffix("json") || isNamedAsText(type):
            return [type.text(of: content, isHTML: false)]
        case _ where fileName(type)?.hasSuffix(".eml") == true:
            return MailPart(parsing: content[...]).texts(deepest: deepest - 1)
        default: return []
        }
    }
}

extension MailPart {
    /// The name that the mail gives the part (RFC 2183, section 2.3, and RFC 2045's older `name`), in lower case.
    private func fileName(_ type: HeaderValue) -> String? {
        let disposition = HeaderValue(headers["content-disposition"] ?? "")
        for parameters in [disposition.parameters, type.parameters] {
            // RFC 2231 marks a name that is not ASCII by a star; its end is plain all the same.
            for key in ["filename", "filename*", "name", "name*"] {
                if let name = parameters[key] { return name.lowercased() }
            }
        }
        return nil
    }

    /// Whether the name says that it is a saved body, whatever type the mail program took it for.
    private func isNamedAsText(_ type: HeaderValue) -> Bool {
        guard let name = fileName(type) else { return false }
        return [".json", ".jsonl", ".ndjson", ".txt"].contains { name.hasSuffix($0) }
    }
}

/// The header fields at the beginning of a mail or a part, unfolded.
private struct MailHeaders {
    /// What follows the blank line.
    let rest: ArraySlice<UInt8>

    /// Whether every line before the blank one was a field or went on with one.
    let areWellFormed: Bool

    private let fields: [String: String]

    init(parsing bytes: ArraySlice<UInt8>) {
        var lines: [String] = []
        var rest = bytes
        var areWellFormed = true
        while let line = rest.popLine(), !line.isEmpty {
            let text = String(decoding: line, as: UTF8.self)
            if text.first == " " || text.first == "\t", let last = lines.popLast() {
                lines.append(last + " " + text.drop { $0 == " " || $0 == "\t" })
            } else {
                // Mailboxes begin a mail with a line of their own (RFC 4155).
                let isMailboxLine = lines.isEmpty && text.hasPrefix("From ")
                areWellFormed = areWellFormed && (isMailboxLine || Self.isField(text))
                lines.append(text)
            }
        }
        var fields: [String: String] = [:]
        for line in lines where Self.isField(line) {
            let (name, value) = line.divided(at: ":")
            // The first counts: what a hop on the way adds is on top, and no field we read may stand twice.
            fields[name.lowercased()] = fields[name.lowercased()] ?? value
        }
        self.rest = rest
        self.fields = fields
        self.areWellFormed = areWellFormed && !fields.isEmpty
    }

    subscript(name: String) -> String? { fields[name] }

    /// Whether a line is `name: value` (RFC 5322, section 2.2).
    private static func isField(_ line: String) -> Bool {
        let name = line.utf8.prefix { (33...126).contains($0) && $0 != UInt8(ascii: ":") }
        return !name.isEmpty && line.utf8.dropFirst(name.count).first == UInt8(ascii: ":")
    }
}

/// The value of a header field such as `text/plain; charset="utf-8"`.
private struct HeaderValue {
    let value: String
    private(set) var parameters: [String: String] = [:]

    init(_ text: String) {
        var pieces = text.dividedOutsideQuotes(at: ";")
        value = pieces.isEmpty ? "" : pieces.removeFirst().trimmed.lowercased()
        for piece in pieces {
            let (name, value) = piece.divided(at: "=")
            parameters[name.trimmed.lowercased()] = value.unquoted
        }
    }

    /// The text of `bytes` in the charset that is named; what is not named is UTF-8, which ASCII is a part of.
    func text(of bytes: [UInt8], isHTML: Bool) -> MailMessage.Text {
        let decoded = Charset(name: parameters["charset"]).decode(bytes)
        return MailMessage.Text(characters: decoded.text, isHTML: isHTML, fault: decoded.fault)
    }
}

extension ArraySlice<UInt8> {
    fileprivate var droppingByteOrderMark: Self { starts(with: [0xEF, 0xBB, 0xBF]) ? dropFirst(3) : self }

    /// Takes the first line off, without its end; nil when nothing is left.
    fileprivate mutating func popLine() -> Self? {
        guard !isEmpty else { return nil }
        let end = firstIndex(of: 0x0A) ?? endIndex
        let line = self[startIndex..<end]
        self = self[Swift.min(end + 1, endIndex)...]
        return line.last == 0x0D ? line.dropLast() : line
    }

    /// The parts of a multipart body (RFC 2046, section 5.1.1); a missing end does not lose the last one.
    fileprivate func parts(dividedBy delimiter: [UInt8]) -> [Self] {
        var parts: [Self] = []
        var start: Index?
        var rest = self
        while true {
            let lineStart = rest.startIndex
            guard let line = rest.popLine() else { break }
            guard line.starts(with: delimiter) else { continue }
            let tail = line.dropFirst(delimiter.count)
            let isLast = tail.starts(with: Array("--".utf8))
            guard isLast || tail.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) else { continue }
            if let start { parts.append(self[start..<lineStart]) }
            start = isLast ? nil : rest.startIndex
            if isLast { return parts }
        }
        if let start { parts.append(self[start..<endIndex]) }
        return parts
    }
}

extension StringProtocol {
    fileprivate var trimmed: String { trimmingCharacters(in: .whitespacesAndNewlines) }

    fileprivate var unquoted: String {
        let text = trimmed
        guard text.count >= 2, text.hasPrefix("\""), text.hasSuffix("\"") else { return text }
        return String(text.dropFirst().dropLast()).replacing("\\\"", with: "\"").replacing("\\\\", with: "\\")
    }

    /// The text before and behind the first `divider`; all is before it when there is none.
    fileprivate func divided(at divider: Character) -> (String, String) {
        guard let index = firstIndex(of: divider) else { return (String(self), "") }
        return (String(self[..<index]), self[self.index(after: index)...].trimmed)
    }

    fileprivate func dividedOutsideQuotes(at divider: Character) -> [String] {
        var pieces = [""]
        var isQuoted = false
        for character in self {
            if character == "\"" { isQuoted.toggle() }
            if character == divider, !isQuoted {
                pieces.append("")
            } else {
                pieces[pieces.count - 1].append(character)
            }
        }
        return pieces
    }
}
