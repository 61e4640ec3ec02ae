import CountersignRules

/// The first byte says whether case counts; then a pattern, NUL, and a text.
enum GlobTarget {
    static func check(_ bytes: [UInt8]) -> CInt {
        let parts = bytes.dropFirst().split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = bytes.first, parts.count == 2 else { return 0 }
        let (pattern, text) = (String(decoding: parts[0], as: UTF8.self), String(decoding: parts[1], as: UTF8.self))
        let ignoresCase = first & 1 == 1
        guard let glob = try? Glob(pattern, ignoresCase: ignoresCase) else {
            require(tokens(pattern) == nil, "a pattern is refused only for a '\\' at its end: \(pattern)")
            return 0
        }
        let folded = ignoresCase ? text.caseFolded : text
        guard let tokens = tokens(ignoresCase ? pattern.caseFolded : pattern) else {
            require(false, "a '\\' at the end is refused: \(pattern)")
            return 0
        }
        let isMatch = glob.matches(text)
        let expected = matches(Array(folded), tokens)
        require(isMatch == expected, "'\(pattern)' on '\(text)' is \(expected), ignoring case: \(ignoresCase)")
        checkLiterals(of: glob, isMatch, folded)
        // No hang: libFuzzer stops what takes seconds, and a matcher that tries every way would take ages here.
        _ = glob.matches(String(repeating: text, count: 100))
        return 0
    }

    private static func checkLiterals(of glob: Glob, _ isMatch: Bool, _ text: String) {
        if let literal = glob.literal {
            require(isMatch == (literal == text), "a pattern without wildcards is its literal")
        }
        guard isMatch else { return }
        require(Needle(glob.literalPrefix).isPrefix(of: text), "a match begins with the literal prefix: \(glob.source)")
        require(Needle(glob.literalSuffix).isSuffix(of: text), "a match ends with the literal suffix: \(glob.source)")
    }

    private enum Token {
        case anyRun
        case anyOne
        case character(Character)
    }

    /// The pattern's signs one by one; nil when it ends in a `\` that takes nothing.
    private static func tokens(_ pattern: String) -> [Token]? {
        var tokens: [Token] = []
        var characters = Array(pattern)[...]
        while let character = characters.popFirst() {
            switch character {
            case "*": tokens.append(.anyRun)
            case "?": tokens.append(.anyOne)
            case "\\":
                guard let next = characters.popFirst() else { return nil }
                tokens.append(.character(next))
            default: tokens.append(.character(character))
            }
        }
        return tokens
    }

    /// The textbook's matcher: which beginnings of the text each beginning of the pattern fits.
    private static func matches(_ text: [Character], _ tokens: [Token]) -> Bool {
        var fits = [true] + text.map { _ in false }
        for token in tokens {
            var next = fits.map { _ in false }
            switch token {
            case .anyRun:
                var isReached = false
                for index in fits.indices {
                    isReached = isReached || fits[index]
                    next[index] = isReached
                }
            case .anyOne:
                for index in text.indices { next[index + 1] = fits[index] }
            case .character(let character):
                for index in text.indices { next[index + 1] = fits[index] && text[index] == character }
            }
            fits = next
        }
        return fits[text.count]
    }
}
