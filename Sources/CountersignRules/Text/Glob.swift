/// A pattern for a whole text: `*` is any run of characters, `?` one character, `\` takes the next one literally.
package struct Glob: Sendable, Hashable {
    private enum Token: Sendable, Hashable {
        case anyRun
        case anyOne
        case character(Character)
    }

    /// The pattern as it was written.
    package let source: String

    /// Whether case is ignored, by Unicode's simple case folding.
    package let ignoresCase: Bool
    private let tokens: [Token]

    /// The tokens' bytes, when comparing bytes is enough; nil in it means `?`, and runs divide the parts.
    private let byteParts: [[UInt8?]]?

    /// The pattern ends in a `\` that takes nothing.
    package struct DanglingEscape: Error {}

    /// Parses a pattern.
    ///
    /// - Throws: `DanglingEscape` where it ends in a `\` that escapes nothing.
    package init(_ source: String, ignoresCase: Bool = false) throws(DanglingEscape) {
        self.source = source
        self.ignoresCase = ignoresCase
        var tokens: [Token] = []
        var isEscaped = false
        for character in ignoresCase ? source.caseFolded : source {
            switch (isEscaped, character) {
            case (false, "\\"): isEscaped = true
            case (false, "*"):
                if tokens.last != .anyRun { tokens.append(.anyRun) }
            case (false, "?"): tokens.append(.anyOne)
            default:
                tokens.append(.character(character))
                isEscaped = false
            }
        }
        guard !isEscaped else { throw DanglingEscape() }
        self.tokens = tokens
        byteParts = Self.byteParts(tokens)
    }

    /// Whether `text` holds a sign that makes it a pattern rather than a plain name.
    package static func isPattern(_ text: String) -> Bool {
        text.utf8.contains { $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "\\") }
    }

    /// The characters that every match begins with.
    package var literalPrefix: String {
        var prefix = ""
        for token in tokens {
            guard case .character(let character) = token else { break }
            prefix.append(character)
        }
        return prefix
    }

    /// The characters that every match ends with.
    package var literalSuffix: String {
        var suffix: [Character] = []
        for token in tokens.reversed() {
            guard case .character(let character) = token else { break }
            suffix.append(character)
        }
        return String(suffix.reversed())
    }

    /// The one text that matches, when the pattern has no wildcard.
    package var literal: String? {
        let prefix = literalPrefix
        return prefix.count == tokens.count ? prefix : nil
    }

    /// Whether the pattern matches the whole of `text`.
    package func matches(_ text: String) -> Bool {
        let text = ignoresCase ? text.caseFolded : text
        if let byteParts, text.utf8.allSatisfy({ $0.isPlainASCII }) {
            return Self.matches(Array(text.utf8), parts: byteParts) { $0 == $1 }
        }
        return Self.matches(Array(text), parts: Self.parts(tokens)) { $0 == $1 }
    }

    private static func parts(_ tokens: [Token]) -> [[Character?]] {
        tokens.split(separator: .anyRun, omittingEmptySubsequences: false)
            .map { part in
                part.map { if case .character(let character) = $0 { character } else { nil } }
            }
    }

    private static func byteParts(_ tokens: [Token]) -> [[UInt8?]]? {
        var parts: [[UInt8?]] = []
        for part in Self.parts(tokens) {
            var bytes: [UInt8?] = []
            for character in part {
                guard let character else {
                    bytes.append(nil)
                    continue
                }
                guard let byte = character.asciiValue, byte.isPlainASCII, character != "\r\n" else { return nil }
                bytes.append(byte)
            }
            parts.append(bytes)
        }
        return parts
    }

    /// Takes the first part at the front, the last at the end and each one between at the first place where it fits:
    /// with wildcards of any length between them, no other choice can do better.
    private static func matches<Unit>(_ units: [Unit], parts: [[Unit?]], _ isSame: (Unit, Unit) -> Bool) -> Bool {
        func fits(_ part: [Unit?], at start: Int) -> Bool {
            start >= 0 && start + part.count <= units.count
                && part.indices.allSatisfy { index in part[index].map { isSame($0, units[start + index]) } ?? true }
        }
        guard let first = parts.first, let last = parts.last, fits(first, at: 0) else { return false }
        guard parts.count > 1 else { return first.count == units.count }
        var start = first.count
        let end = units.count - last.count
        for part in parts.dropFirst().dropLast() {
            while start + part.count <= end, !fits(part, at: start) { start += 1 }
            guard start + part.count <= end else { return false }
            start += part.count
        }
        return start <= end && fits(last, at: end)
    }
}
