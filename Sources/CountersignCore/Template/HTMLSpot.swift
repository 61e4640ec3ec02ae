/// What is at the end of a piece of HTML, and so what a value there would be.
///
/// It reads as a browser does as far as that matters: where a text ends that is not shown as text.
enum HTMLSpot: Equatable {
    /// Text that is shown.
    case text
    /// A part of a link behind its host: `<a href="https://host/…`.
    case link
    /// Anything else, such as a tag, a style or a comment.
    case hidden

    /// The spot behind `html`.
    init(behind html: String) {
        var rest = Array(html.utf8)[...]
        while let open = rest.firstIndex(of: UInt8(ascii: "<")) {
            rest = rest[open...].dropFirst()
            guard let first = rest.first else {
                // The next sign decides whether this is a tag.
                self = .hidden
                return
            }
            if rest.starts(with: "!--".utf8) {
                guard let end = rest.firstRange(of: Array("-->".utf8)) else {
                    self = .hidden
                    return
                }
                rest = rest[end.upperBound...]
                continue
            }
            guard first.isLetter || "/!?".utf8.contains(first) else { continue }
            let name = rest.prefix { $0.isLetter || $0.isDigit }
            var tag = Tag()
            while let byte = rest.first, !tag.isClosed {
                tag.take(byte)
                rest = rest.dropFirst()
            }
            guard tag.isClosed else {
                self = tag.isInLink ? .link : .hidden
                return
            }
            guard Self.isRaw(name) else { continue }
            guard let end = Self.end(of: name, in: rest) else {
                self = .hidden
                return
            }
            rest = rest[end...]
        }
        self = .text
    }

    /// The elements whose content is no text that is read by people.
    private static func isRaw(_ name: ArraySlice<UInt8>) -> Bool {
        let name = String(decoding: name, as: UTF8.self).lowercased()
        let raw = ["script", "style", "title", "textarea", "xmp", "iframe", "noembed", "noframes", "plaintext"]
        return raw.contains(name)
    }

    private static func end(of name: ArraySlice<UInt8>, in text: ArraySlice<UInt8>) -> Int? {
        let wanted = Array("</".utf8) + name.map { $0 | 0x20 }
        return text.indices.first { index in
            text.count - (index - text.startIndex) >= wanted.count
                && zip(text[index...], wanted).allSatisfy { $0 == $1 || ($0 | 0x20) == $1 }
        }
    }

    /// A tag while it is read.
    private struct Tag {
        private(set) var isClosed = false
        private var quote: UInt8?
        private var attribute: [UInt8] = []
        private var value: [UInt8] = []
        private var isBehindEquals = false

        mutating func take(_ byte: UInt8) {
            if let open = quote {
                if byte == open {
                    (quote, attribute, value, isBehindEquals) = (nil, [], [], false)
                } else {
                    value.append(byte)
                }
                return
            }
            switch byte {
            case UInt8(ascii: ">"): isClosed = true
            case UInt8(ascii: "\""), UInt8(ascii: "'"): if isBehindEquals { quote = byte }
            case UInt8(ascii: "="): isBehindEquals = true
            case 0x20, 0x09, 0x0A, 0x0C, 0x0D, UInt8(ascii: "/"): if !isBehindEquals { attribute = [] }
            default:
                // A value without quotes ends anywhere, and so nothing may be put into it.
                if isBehindEquals { (isBehindEquals, attribute) = (false, []) }
                attribute.append(byte | 0x20)
            }
        }

        var isInLink: Bool {
            guard quote != nil, attribute == Array("href".utf8) else { return false }
            let text = String(decoding: value, as: UTF8.self).lowercased()
            guard let scheme = ["https://", "http://"].first(where: { text.hasPrefix($0) }) else { return false }
            let host = text.dropFirst(scheme.count).prefix { !"/?#".contains($0) }
            return !host.isEmpty && host.count < text.count - scheme.count
        }
    }
}
