import CountersignCore
import CountersignRules
import Testing

struct DiagnosticPrinterTests {
    private let source = SourceText(path: "rules/a.yaml", bytes: Array("one\n\tmesage: 日本x\u{1B}[0m\n".utf8))

    private func finding(_ span: SourceSpan, _ message: String = "no 'mesage'") -> Diagnostic {
        Diagnostic(severity: .error, code: "unknown-option", message: message, file: "rules/a.yaml", span: span)
    }

    @Test
    func `a caret is under what a finding is about, whatever is before it`() {
        let printer = DiagnosticPrinter(sources: [source])
        #expect(
            printer.text([finding(SourceSpan(line: 2, column: 12, length: 1))]) == """
                rules/a.yaml:2:12: error: no 'mesage' [unknown-option]
                  |
                2 | \tmesage: 日本x\u{FFFD}[0m
                  | \t            ^

                """
        )
    }

    @Test
    func `colors are used only where they are asked for`() {
        let text = DiagnosticPrinter(sources: [source], isColoured: true)
            .text([finding(SourceSpan(line: 1, column: 1))])
        #expect(text.contains("\u{1B}[1;31merror:\u{1B}[0m"))
    }

    @Test
    func `a finding without its text is one line`() {
        let text = DiagnosticPrinter(sources: []).text([finding(SourceSpan(line: 2, column: 3))])
        #expect(text == "rules/a.yaml:2:3: error: no 'mesage' [unknown-option]\n")
    }

    @Test
    func `programs get JSON`() {
        let json = DiagnosticPrinter(sources: []).json([finding(SourceSpan(line: 2, column: 3, length: 4))])
        #expect(
            json.text == """
                [{"file":"rules/a.yaml","line":2,"column":3,"length":4,"severity":"error","code":"unknown-option",\
                "message":"no 'mesage'"}]
                """
        )
    }

    @Test
    func `GitHub gets workflow commands, special characters escaped`() {
        let text = DiagnosticPrinter(sources: [])
            .github([finding(SourceSpan(line: 2, column: 3, length: 4), "100% wrong\nat: all")])
        #expect(
            text == "::error file=rules/a.yaml,line=2,col=3,endColumn=7,title=unknown-option::100%25 wrong%0Aat: all\n"
        )
    }
}
