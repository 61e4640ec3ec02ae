/// A place in a source text: 1-based line and column (in characters), and how many characters belong to it.
package struct SourceSpan: Sendable, Hashable {
    /// The line, counted from 1.
    package let line: Int

    /// The column of the first character, counted from 1.
    package let column: Int

    /// The number of characters, all on `line`.
    package let length: Int

    /// A span; by default, one character.
    package init(line: Int, column: Int, length: Int = 1) {
        self.line = line
        self.column = column
        self.length = length
    }
}

/// One finding about a file that a person wrote.
package struct Diagnostic: Sendable, Hashable {
    /// Whether the file can be used: an error prevents it, the others do not.
    package enum Severity: String, Sendable, Hashable {
        case error
        case warning
        /// A fact about the file that is good to know; nothing is wrong.
        case notice
    }

    /// How severe the finding is; `check --strict` also fails on warnings.
    package let severity: Severity

    /// A stable word for this kind of finding, such as `unknown-option`.
    package let code: String

    /// What is wrong and what to do: lower case, no full stop.
    package let message: String

    /// The file's path as the reader named it.
    package let file: String

    /// Where in the file the problem is.
    package let span: SourceSpan

    /// A finding; `message` contains neither the position nor the code, which `description` adds.
    package init(severity: Severity, code: String, message: String, file: String, span: SourceSpan) {
        self.severity = severity
        self.code = code
        self.message = message
        self.file = file
        self.span = span
    }
}

extension Diagnostic: Comparable {
    /// Sorts by file, position and code, the order in which findings are printed.
    package static func < (left: Diagnostic, right: Diagnostic) -> Bool {
        (left.file, left.span.line, left.span.column, left.code)
            < (right.file, right.span.line, right.span.column, right.code)
    }
}

extension Diagnostic: CustomStringConvertible {
    /// One line: `file:line:column: error: sentence [code]`.
    package var description: String {
        "\(file):\(span.line):\(span.column): \(severity.rawValue): \(message) [\(code)]"
    }
}
