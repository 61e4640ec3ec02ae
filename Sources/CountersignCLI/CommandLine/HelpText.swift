/// The help of a command as it is on a terminal: prose is filled, examples stay as they are.
struct HelpText {
    /// Where the parser begins the meaning of an option.
    private static let meaningColumn = 26

    private let lines: [String]
    private let columns: Int

    /// - Parameters:
    ///   - text: What the parser gives for lines without an end.
    ///   - columns: How long a line may be.
    init(_ text: String, columns: Int) {
        lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        self.columns = columns
    }

    var text: String {
        var filled: [String] = []
        var paragraph: [String] = []
        func end() {
            if !paragraph.isEmpty { filled += wrapped(paragraph.joined(separator: " "), under: 0) }
            paragraph = []
        }
        var isDiscussion = true
        for line in lines {
            if line.hasPrefix("USAGE: ") { isDiscussion = false }
            if isDiscussion, !line.isEmpty, !line.hasPrefix(" ") {
                paragraph.append(line)
                if line.hasSuffix(":") { end() }
                continue
            }
            end()
            if isDiscussion {
                filled.append(line)
            } else {
                filled += wrapped(line, under: line.hasPrefix("USAGE: ") ? "USAGE: ".count : Self.meaningColumn)
            }
        }
        end()
        return filled.joined(separator: "\n")
    }

    /// The line in pieces that are short enough where it has blanks, those behind the first one indented.
    private func wrapped(_ line: String, under indentation: Int) -> [String] {
        var pieces: [String] = []
        var rest = Substring(line)
        let blanks = String(repeating: " ", count: indentation)
        while rest.count > columns {
            let end = rest.index(rest.startIndex, offsetBy: columns)
            let least = rest.index(rest.startIndex, offsetBy: min(indentation, columns))
            guard let blank = rest[least...end].lastIndex(of: " ") ?? rest[end...].firstIndex(of: " ") else { break }
            pieces.append(String(rest[..<blank]))
            rest = Substring(blanks + rest[rest.index(after: blank)...])
        }
        return pieces + [String(rest)]
    }
}
