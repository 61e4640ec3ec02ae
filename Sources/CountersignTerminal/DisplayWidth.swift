extension String {
    /// How many columns of a terminal the text takes.
    ///
    /// What a terminal does not print (controls) must have been escaped before, as `printable` does.
    package var displayWidth: Int {
        utf8.allSatisfy { $0 < 0x80 } ? utf8.count : reduce(0) { $0 + $1.displayWidth }
    }

    /// The text in at most `width` columns: where it takes more, its beginning and `…`.
    package func fitted(to width: Int) -> String {
        guard displayWidth > width else { return self }
        guard width > 0 else { return "" }
        var out = ""
        var used = 0
        for character in self {
            let wanted = character.displayWidth
            guard used + wanted < width else { break }
            out.append(character)
            used += wanted
        }
        return out + "…"
    }

    /// The text with blanks behind it up to `width` columns, or before it.
    package func padded(to width: Int, before: Bool = false) -> String {
        let blanks = String(repeating: " ", count: max(0, width - displayWidth))
        return before ? blanks + self : self + blanks
    }
}

extension Character {
    /// How many columns a terminal uses for the character.
    ///
    /// Terminals add up the widths of the parts, which `wcwidth` tells. The C library is not asked: it knows nothing but
    /// ASCII until a locale is set, and servers run without one.
    fileprivate var displayWidth: Int {
        var width = 0
        for scalar in unicodeScalars {
            // U+FE0F has the sign before it drawn as an emoji.
            width = scalar.value == 0xFE0F && width == 1 ? 2 : width + scalar.displayWidth
        }
        return width
    }
}

extension Unicode.Scalar {
    fileprivate var displayWidth: Int {
        guard value >= 0x300 else { return 1 }
        switch properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format: return 0
        default: break
        }
        // The vowels and final consonants of Korean syllables that are written apart are drawn into the first one.
        if (0x1160...0x11FF).contains(value) || (0xD7B0...0xD7FB).contains(value) { return 0 }
        // One half of a flag.
        if (0x1F1E6...0x1F1FF).contains(value) { return 1 }
        return properties.isEmojiPresentation || Self.wide.contains { $0.contains(value) } ? 2 : 1
    }

    /// The scripts of East Asia whose signs are two columns wide (Unicode's East_Asian_Width W and F, emoji aside).
    private static let wide: [ClosedRange<UInt32>] = [
        0x1100...0x115F, 0x2329...0x232A, 0x2E80...0x303E, 0x3041...0x4DBF, 0x4E00...0xA4CF, 0xA960...0xA97F,
        0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE10...0xFE19, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6,
        0x16FE0...0x18DFF, 0x1AFF0...0x1B2FF, 0x1F200...0x1F265, 0x1F900...0x1F9FF, 0x20000...0x3FFFD,
    ]
}
