extension Unicode.Scalar {
    /// Whether a terminal or a reader of text may take it for something else than a sign: controls, line separators,
    /// and what turns the direction of writing.
    package var isHarmful: Bool {
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }
}

extension String {
    /// The text with signs escaped that a terminal could act on; for showing what strangers typed.
    package var printable: String {
        var out = ""
        for scalar in unicodeScalars {
            switch scalar {
            case "\n": out += #"\n"#
            case "\r": out += #"\r"#
            case "\t": out += #"\t"#
            case _ where scalar.isHarmful: out += #"\u{"# + String(scalar.value, radix: 16) + "}"
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }

    /// `printable`, but with the line feeds kept.
    package var printableLines: String {
        split(separator: "\n", omittingEmptySubsequences: false).map { String($0).printable }.joined(separator: "\n")
    }
}
