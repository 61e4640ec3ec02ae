package import CountersignCore

/// The findings about one file, as its readers come upon them.
///
/// A class, since all readers of a file write into the same one; it never leaves the task that reads the file.
package final class Findings {
    /// The text of the file, with the path that findings name.
    package let source: SourceText

    /// The findings so far in the order in which they were reported; equal ones are kept once.
    package private(set) var diagnostics: [Diagnostic] = []
    private var seen: Set<Diagnostic> = []

    /// The scripts of the file, for those who look closer at them.
    package private(set) var scripts: [ShellScript] = []

    /// A file without findings yet.
    package init(source: SourceText) {
        self.source = source
    }

    /// Whether one of the findings is an error.
    package var hasErrors: Bool { diagnostics.contains { $0.severity == .error } }

    func report(_ code: DiagnosticCode, _ message: String, at span: SourceSpan) {
        let finding = Diagnostic(
            severity: code.severity,
            code: code.rawValue,
            message: message,
            file: source.path,
            span: span
        )
        // What an alias repeats is one mistake.
        if seen.insert(finding).inserted { diagnostics.append(finding) }
    }

    func keep(_ script: ShellScript) {
        scripts.append(script)
    }

    /// Reports that `node` is not the kind of value that must be there.
    func reportType(_ what: String, wants wanted: String, at node: Node) {
        report(.wrongType, "\(what) must be \(wanted), not \(node.kind)", at: node.span)
    }
}
