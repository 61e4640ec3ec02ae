package import CountersignCore

/// The script of a step, with its place in a rule file.
package struct ShellScript: Sendable {
    private let node: Node
    private let source: SourceText

    /// The script with YAML's escapes and folding resolved; empty where the value is no scalar.
    package let text: String

    /// The variables that the step sets, besides those of Countersign.
    package let variables: [String]

    /// Those of them whose values are filled in when the step runs.
    private let filled: [String]

    init(node: Node, variables: Set<String>, filled: [String], source: SourceText) {
        self.filled = filled
        self.node = node
        self.source = source
        text = node.scalar?.text ?? ""
        self.variables = variables.sorted()
    }

    /// A finding about some characters of one line of the script; lines and columns are counted from 1.
    ///
    /// It points at the very place where the YAML text keeps the script as it is, else at the whole script.
    package func warning(
        code: String,
        _ message: String,
        line: Int,
        column: Int,
        length: Int
    ) -> Diagnostic {
        let lines = text.lines
        var span = node.span
        if lines.indices.contains(line - 1) {
            let before = lines.prefix(line - 1).reduce(0) { $0 + $1.count + 1 }
            // Columns are counted in Unicode scalars, offsets in characters.
            let scalars = lines[line - 1].unicodeScalars
            let inLine = String(scalars.prefix(max(0, column - 1))).count
            let marked = String(scalars.dropFirst(max(0, column - 1)).prefix(max(1, length))).count
            span = source.span(of: node, at: before + inLine, length: max(1, marked))
        }
        return Diagnostic(severity: .warning, code: code, message: message, file: source.path, span: span)
    }

    /// Reports variables with a stranger's text that stand without quotes.
    func reportUnquoted(to findings: Findings) {
        for use in ShellVariables.unquoted(in: text, and: filled) {
            let message =
                "\(use.name) is unquoted, so its value is split into words and expanded; "
                + "write \"$\(use.name)\""
            let span = source.span(of: node, at: use.offset, length: use.length)
            findings.report(.unquotedVariable, message, at: span)
        }
    }
}
