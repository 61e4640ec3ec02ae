extension String {
    /// The text with all characters escaped that a terminal could act on or that look like nothing; for showing what unknownVariables
    /// typed.
    package var printable: String { escaping { $0.isHarmful } }

    /// `printable`, but with the lines kept.
    package var printableLines: String {
        withLineFeeds.lines.map { String($0).printable }.joined(separator: "\n")
    }

    /// The text on one line, for reading: joiners stay, so that every script and every emoji shows as it should.
    package var showingControls: String { escaping { $0.isHarmful && !$0.isJoiner } }

    private func escaping(_ isEscaped: (Unicode.Scalar) -> Bool) -> String {
        var out = ""
        for scalar in unicodeScalars {
            switch scalar {
            case "\n": out += #"\n"#
            case "\r": out += #"\r"#
            case "\t": out += #"\t"#
            case _ where isEscaped(scalar): out += #"\u{"# + String(scalar.value, radix: 16) + "}"
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }
}

extension Unicode.Scalar {
    /// Whether a terminal or a reader of text may take it for something else than a sign: controls, line separators,
    /// and what turns the direction of writing.
    package var isHarmful: Bool {
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }

    /// Whether it changes how its other rules look, and not the direction of writing.
    fileprivate var isJoiner: Bool { properties.generalCategory == .format && !properties.isBidiControl }
}

extension String {
    /// The text of a library's error without the places of its source on the machine that built this program.
    package var withoutBuildPaths: String { replacing(#/ (?:at|in) /[^\s:\]]*:\d+/#, with: "") }

    /// The text, or its beginning and `…` where it has more than `limit` UTF-16 units; what a sign is escaped with is not
    /// torn from it.
    package func cut(to limit: Int) -> String {
        guard utf16.count > limit else { return self }
        var kept: [Unicode.Scalar] = []
        var length = 0
        for scalar in unicodeScalars {
            length += UTF16.width(scalar)
            guard length < limit else { break }
            kept.append(scalar)
        }
        if let entity = kept.suffix(6).lastIndex(of: "&"), !kept[entity...].contains(";") {
            kept.removeSubrange(entity...)
        }
        let backslashes = kept.reversed().prefix { $0 == "\\" }.count
        if backslashes % 2 == 1 { kept.removeLast() }
        return String(String.UnicodeScalarView(kept)) + "…"
    }
}
