import Foundation

extension String {
    /// The text without its line ends; where one was, a semicolon stands unless the line ended with a sign of its own.
    var onOneLineOfText: String {
        let lines = split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
        return lines.dropFirst()
            .reduce(lines.first ?? "") { text, line in
                text + (text.last.map { ",;:".contains($0) } ?? true ? " " : "; ") + line
            }
    }
}
