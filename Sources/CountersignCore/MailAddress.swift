/// The address of somebody who gets or sends mail, with or without a name: `Ops <ops@example.com>`.
package struct MailAddress: Sendable, Equatable {
    /// The name before the address; nil where there is none.
    package let name: String?

    /// `local@domain`, in ASCII.
    package let address: String

    /// Reads one address; a list, or what no server would take, is refused.
    ///
    /// - Parameters:
    ///   - text: What a template became.
    ///   - source: How the rule or the setting writes it.
    /// - Throws: `StepFailure` with what is wrong with it.
    package init(_ text: String, source: String) throws(StepFailure) {
        let text = text.mailTrimmed
        if text.hasSuffix(">"), let open = text.lastIndex(of: "<") {
            address = String(text[text.index(after: open)...].dropLast())
            let written = String(text[..<open]).mailTrimmed.withoutMailQuotes
            name = written.isEmpty ? nil : written
        } else {
            (name, address) = (nil, text)
        }
        let isOneLine = text == text.onOneLine
        if let fault = isOneLine ? Self.fault(in: address) : "it contains a line break or a control character" {
            throw .final("'\(source)' is not an email address: \(fault)")
        }
    }

    /// The part behind the `@`.
    package var domain: String { address.split(separator: "@").last.map(String.init) ?? "" }

    /// What keeps `text` from being an address (RFC 5321, section 4.1.2, without quoted local parts); nil when nothing does.
    private static func fault(in text: String) -> String? {
        guard !text.isEmpty else { return "it is empty" }
        guard text.utf8.allSatisfy({ $0 < 0x80 }) else {
            return "it has non-ASCII characters, which many servers reject; write the domain as 'xn--…'"
        }
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return parts.count == 1 ? "it has no '@'" : "it has more than one '@'" }
        guard parts[0].utf8.count <= 64, text.utf8.count <= 254 else { return "it is too long" }
        guard isDotted(parts[0], also: "!#$%&'*+-/=?^_`{|}~") else { return "the part before '@' is not a valid name" }
        guard isDotted(parts[1], also: "-") else { return "the part after '@' is not a valid domain" }
        return nil
    }

    private static func isDotted(_ text: Substring, also signs: String) -> Bool {
        text.split(separator: ".", omittingEmptySubsequences: false)
            .allSatisfy { part in
                !part.isEmpty && part.utf8.allSatisfy { $0.isLetter || $0.isDigit || signs.utf8.contains($0) }
            }
    }
}

extension String {
    fileprivate var mailTrimmed: String {
        String(drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
    }

    /// The text without quotes around it and the backslashes that they need.
    fileprivate var withoutMailQuotes: String {
        guard count >= 2, hasPrefix("\""), hasSuffix("\"") else { return self }
        return String(dropFirst().dropLast()).replacing("\\\"", with: "\"").replacing("\\\\", with: "\\")
    }
}
