/// Text in progress into a manual page (roff with the man macros).
struct Roff {
    private(set) var text = ""

    /// Adds a request, such as `.SH NAME`; arguments that are more than a word are quoted.
    mutating func request(_ name: String, _ arguments: String...) {
        let words = arguments.map { argument in
            let isWord = !argument.isEmpty && argument.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) }
            return isWord ? argument : "\"" + Self.escaped(argument).replacing("\"", with: "\\(dq") + "\""
        }
        text += ([".\(name)"] + words).joined(separator: " ") + "\n"
    }

    /// Adds a paragraph's text, which roff fills into lines.
    mutating func words(_ words: String) {
        for line in words.split(separator: "\n") { text += Self.lead(Self.escaped(String(line))) + "\n" }
    }

    /// Adds lines that stay as they are, in the form of examples.
    mutating func example(_ lines: [String]) {
        guard !lines.isEmpty else { return }
        text += ".PP\n.RS 4\n.EX\n"
        for line in lines { text += Self.lead(Self.escaped(line)) + "\n" }
        text += ".EE\n.RE\n"
    }

    /// Adds a word in bold and what it means.
    mutating func item(_ term: String, _ meaning: String) {
        text += ".TP\n" + Self.lead("\\fB" + Self.escaped(term) + "\\fR") + "\n"
        if meaning.isEmpty { text += "\\&\n" } else { words(meaning) }
    }

    /// Adds prose as help texts have it: paragraphs, and indented lines that are examples.
    mutating func prose(_ prose: String) {
        var example: [String] = []
        var isFirst = true
        for line in prose.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
            if line.hasPrefix("  ") {
                example.append(String(line.dropFirst(2)))
                continue
            }
            self.example(example)
            if !example.isEmpty || (line.isEmpty && !isFirst) { text += ".PP\n" }
            example = []
            words(line)
            isFirst = false
        }
        self.example(example)
    }

    /// What roff would take for a request at the beginning of a line is made text.
    private static func lead(_ line: String) -> String {
        line.hasPrefix(".") || line.hasPrefix("'") ? "\\&" + line : line
    }

    /// Hyphens are written so that they can be copied from a page, and what begins roff's own signs is escaped.
    static func escaped(_ text: String) -> String {
        var out = ""
        for character in text {
            switch character {
            case "\\": out += "\\e"
            case "-": out += "\\-"
            case "'": out += "\\(aq"
            case "`": out += "\\(ga"
            case "^": out += "\\(ha"
            case "~": out += "\\(ti"
            default: out.append(character)
            }
        }
        return out
    }
}
