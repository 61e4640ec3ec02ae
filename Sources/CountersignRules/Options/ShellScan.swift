/// Finds variables with a stranger's text that a script leaves unquoted, where the shell splits and expands them.
///
/// It knows quotes, escapes, comments, substitutions and here-documents; it is no parser, and a doubtful place passes.
struct ShellScan {
    /// A variable outside quotes, by the characters before it and its own.
    struct Finding: Equatable {
        let offset: Int
        let length: Int
        let name: String
    }

    /// The variables whose values come from the event's payload.
    private static let hostile: Set<String> = [
        "COUNTERSIGN_EVENT", "COUNTERSIGN_PACKAGE_ID", "COUNTERSIGN_DOCUMENT_ID", "COUNTERSIGN_MESSAGE",
        "COUNTERSIGN_SESSION_USER", "COUNTERSIGN_CREATED_DATE",
    ]

    private enum Context {
        case plain
        case quoted
        case arithmetic
        case backtick
    }

    private let text: [Character]
    private var index = 0
    private var contexts: [Context] = [.plain]
    private var hereDocuments: [String] = []
    private var findings: [Finding] = []

    static func unquotedVariables(in text: String) -> [Finding] {
        var scan = ShellScan(text: Array(text))
        while scan.index < scan.text.count { scan.step() }
        return scan.findings
    }

    private init(text: [Character]) {
        self.text = text
    }

    private func character(_ offset: Int) -> Character? {
        text.indices.contains(index + offset) ? text[index + offset] : nil
    }

    private mutating func step() {
        let isQuoted = contexts.last == .quoted
        switch text[index] {
        case "\\": index += 2
        case "'" where !isQuoted: skip(behind: "'")
        case "\"":
            if isQuoted { contexts.removeLast() } else { contexts.append(.quoted) }
            index += 1
        case "`":
            if contexts.last == .backtick { contexts.removeLast() } else { contexts.append(.backtick) }
            index += 1
        case "#" where !isQuoted && isAtWordStart: while let next = character(0), next != "\n" { index += 1 }
        case "<" where !isQuoted && character(1) == "<": hereDocument()
        case "\n" where !isQuoted && !hereDocuments.isEmpty: skipHereDocuments()
        case "$": dollar(isQuoted: isQuoted)
        case "(" where !isQuoted:
            contexts.append(.plain)
            index += 1
        case ")" where !isQuoted && contexts.count > 1: closeParenthesis()
        default: index += 1
        }
    }

    private var isAtWordStart: Bool {
        guard let before = character(-1) else { return true }
        return before.isWhitespace || ";|&()".contains(before)
    }

    private mutating func skip(behind end: Character) {
        index += 1
        while let next = character(0), next != end { index += 1 }
        index += 1
    }

    private mutating func closeParenthesis() {
        let isArithmetic = contexts.last == .arithmetic
        contexts.removeLast()
        index += isArithmetic && character(1) == ")" ? 2 : 1
    }

    private mutating func dollar(isQuoted: Bool) {
        if character(1) == "(" {
            let isArithmetic = character(2) == "("
            contexts.append(isArithmetic ? .arithmetic : .plain)
            index += isArithmetic ? 3 : 2
            return
        }
        let start = index
        let isBraced = character(1) == "{"
        index += isBraced ? 2 : 1
        let name = text[min(index, text.count)...].prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
        index += name.count
        let isSplit = contexts.last == .plain || contexts.last == .backtick
        guard isSplit, Self.hostile.contains(String(name)), !isAssigned(at: start) else { return }
        let end = isBraced ? text[index...].firstIndex(of: "}").map { $0 + 1 } ?? index : index
        findings.append(Finding(offset: start, length: end - start, name: String(name)))
    }

    /// Whether the variable is all of an assignment's value or the word of a `case`, neither of which is split.
    private func isAssigned(at start: Int) -> Bool {
        let before = text[..<start]
        if before.last == "=" {
            let name = before.dropLast().reversed().prefix { $0.isLetter || $0.isNumber || $0 == "_" }
            let outside = before.dropLast(name.count + 1).last
            return !name.isEmpty && (outside.map { $0.isWhitespace || ";|&(".contains($0) } ?? true)
        }
        return String(before.suffix(5)) == "case "
    }

    // MARK: Here-documents

    private mutating func hereDocument() {
        index += 2
        if character(0) == "-" { index += 1 }
        while let next = character(0), next == " " || next == "\t" { index += 1 }
        var delimiter = ""
        while let next = character(0), !next.isWhitespace, !";|&()<>".contains(next) {
            if !"'\"\\".contains(next) { delimiter.append(next) }
            index += 1
        }
        if !delimiter.isEmpty { hereDocuments.append(delimiter) }
    }

    /// Skips the bodies that begin on the next line: nothing is split in them.
    private mutating func skipHereDocuments() {
        index += 1
        while let delimiter = hereDocuments.first, index < text.count {
            let line = text[index...].prefix { $0 != "\n" }
            index += line.count + 1
            if String(line.drop { $0 == "\t" }) == delimiter { hereDocuments.removeFirst() }
        }
        hereDocuments = []
    }
}
