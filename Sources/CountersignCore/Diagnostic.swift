/// A place in a source text: 1-based line and column (in characters), and how many characters belong to it.
package struct SourceSpan: Sendable, Hashable {
    package let line: Int
    package let column: Int
    package let length: Int

    package init(line: Int, column: Int, length: Int = 1) {
        self.line = line
        self.column = column
        self.length = length
    }
}

/// One finding about a file that a person wrote.
package struct Diagnostic: Sendable, Hashable {
    package enum Severity: String, Sendable, Hashable {
        case error
        case warning
    }

    package let severity: Severity

    /// A stable word for this kind of finding, such as `unknown-option`.
    package let code: String

    /// What is wrong and what to do: lower case, no full stop.
    package let message: String

    /// The file's path as the reader named it.
    package let file: String

    package let span: SourceSpan

    package init(severity: Severity, code: String, message: String, file: String, span: SourceSpan) {
        self.severity = severity
        self.code = code
        self.message = message
        self.file = file
        self.span = span
    }
}

extension Diagnostic: Comparable {
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
