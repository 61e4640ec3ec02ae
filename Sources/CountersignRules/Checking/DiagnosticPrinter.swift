package import CountersignCore

/// Shows findings to people and to programs.
package struct DiagnosticPrinter: Sendable {
    private let sources: [String: SourceText]
    private let isColoured: Bool

    /// - Parameters:
    ///   - sources: The texts that findings are about; without its text, a finding is shown without its line.
    ///   - isColoured: Whether the reader is a terminal that knows colors.
    package init(sources: [SourceText], isColoured: Bool = false) {
        self.sources = Dictionary(sources.map { ($0.path, $0) }) { first, _ in first }
        self.isColoured = isColoured
    }

    /// Each finding with its source line and a caret under what it is about.
    package func text(_ diagnostics: [Diagnostic]) -> String {
        diagnostics.map { text($0) }.joined()
    }

    private func text(_ finding: Diagnostic) -> String {
        let span = finding.span
        let place = "\(finding.file):\(span.line):\(span.column):"
        let severity = paint("\(finding.severity.rawValue):", Paint(finding.severity))
        let head =
            "\(paint(place, .bold)) \(severity) \(printable(finding.message)) \(paint("[\(finding.code)]", .grey))\n"
        guard let source = sources[finding.file], source.lines.indices.contains(span.line - 1) else { return head }
        let line = source.line(span.line)
        let number = String(span.line)
        let margin = String(repeating: " ", count: number.count)
        let lead = line.prefix(span.column - 1).map { $0 == "\t" ? "\t" : blank(for: $0) }.joined()
        let marked = line.dropFirst(span.column - 1).prefix(span.length)
        let width = max(1, marked.reduce(0) { $0 + blank(for: $1).count })
        let caret = paint("^" + String(repeating: "~", count: width - 1), .green)
        return head
            + paint("\(margin) |", .grey) + "\n"
            + paint("\(number) |", .grey) + (line.isEmpty ? "" : " " + printable(line)) + "\n"
            + paint("\(margin) |", .grey) + " " + lead + caret + "\n"
    }

    /// The findings as a JSON array of objects.
    package func json(_ diagnostics: [Diagnostic]) -> JSON {
        .array(
            diagnostics.map { finding in
                [
                    "file": .string(finding.file), "line": JSON(finding.span.line), "column": JSON(finding.span.column),
                    "length": JSON(finding.span.length), "severity": .string(finding.severity.rawValue),
                    "code": .string(finding.code), "message": .string(finding.message),
                ]
            }
        )
    }

    /// The findings as workflow commands of GitHub Actions, one a line.
    package func github(_ diagnostics: [Diagnostic]) -> String {
        diagnostics
            .map { finding in
                let span = finding.span
                let properties = [
                    "file=\(escaped(finding.file, isProperty: true))", "line=\(span.line)", "col=\(span.column)",
                    "endColumn=\(span.column + span.length)", "title=\(escaped(finding.code, isProperty: true))",
                ]
                return "::\(finding.severity.rawValue) \(properties.joined(separator: ","))"
                    + "::\(escaped(finding.message, isProperty: false))\n"
            }
            .joined()
    }

    private func escaped(_ text: String, isProperty: Bool) -> String {
        var out = ""
        for character in text.unicodeScalars {
            switch character {
            case "%": out += "%25"
            case "\r": out += "%0D"
            case "\n": out += "%0A"
            case ":" where isProperty: out += "%3A"
            case "," where isProperty: out += "%2C"
            default: out.unicodeScalars.append(character)
            }
        }
        return out
    }

    /// As many spaces as a terminal gives the character: two for the wide ones of East Asia and for emoji.
    private func blank(for character: Character) -> String {
        guard let scalar = character.unicodeScalars.first else { return "" }
        let isWide =
            switch scalar.value {
            case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60,
                0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F900...0x1F9FF, 0x20000...0x3FFFD:
                true
            default: false
            }
        return isWide ? "  " : " "
    }

    /// The text without signs that a terminal would act on.
    private func printable(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { scalar in
                    let isControl = scalar.properties.generalCategory == .control && scalar != "\t"
                    return isControl || scalar.properties.isBidiControl ? "\u{FFFD}" : scalar
                }
            )
        )
    }

    private enum Paint: String {
        case bold = "1"
        case red = "1;31"
        case yellow = "1;33"
        case green = "1;32"
        case blue = "34"
        case grey = "90"

        init(_ severity: Diagnostic.Severity) {
            self =
                switch severity {
                case .error: .red
                case .warning: .yellow
                case .notice: .blue
                }
        }
    }

    private func paint(_ text: String, _ paint: Paint) -> String {
        isColoured ? "\u{1B}[\(paint.rawValue)m\(text)\u{1B}[0m" : text
    }
}
