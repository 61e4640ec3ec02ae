import CountersignActions
import CountersignCLI
import CountersignCore
import CountersignEngine
import CountersignOneSpan
import CountersignOperations
import CountersignOutbound
import CountersignRules
import Foundation
import Testing

/// A file of tests that expect the wrong thing (`ruletests/bad.yaml`), and what is said about them in each form.
///
/// With `UPDATE_GOLDEN` set, what is said is written and not compared; look at the difference before you commit it.
struct RuleTestTextTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "ruletests")

    private func results() async throws -> RuleTestResult {
        let text = try Data(contentsOf: Self.folder.appending(path: "bad.yaml"))
        let sources = RuleSources(folder: "/rules", files: [.init(path: "bad.yaml", text: Array(text))])
        let outcome = RuleCompiler(catalogue: ActionRegistry.builtIn.declarations).compile(sources)
        #expect(outcome.diagnostics == [])
        let runner = try RuleTestRunner(
            sources: sources,
            registry: .builtIn,
            services: ActionServices(outputRoot: "/nowhere", http: NoNetwork()),
            reader: OneSpanCallbacks()
        )
        var entries: [RuleTestResult.Entry] = []
        for test in outcome.tests {
            let report = try await runner.run(test)
            entries.append(.init(report: report, took: .milliseconds(1_005)))
        }
        return RuleTestResult(entries)
    }

    private func compare(_ said: String, with name: String) throws {
        let golden = Self.folder.appending(path: name)
        if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] != nil {
            try Data(said.utf8).write(to: golden)
        }
        #expect(try said == String(contentsOf: golden, encoding: .utf8))
    }

    @Test
    func `people read what was expected and what happened`() async throws {
        let results = try await results()
        try compare(RuleTestText(results).text(isColoured: false) + "\n", with: "bad.txt")
        #expect(results.failed == 9)
    }

    @Test
    func `programs read the same as JSON`() async throws {
        try compare(try await results().json(DiagnosticPrinter(sources: [])).indented + "\n", with: "bad.json")
    }

    @Test
    func `CI reads the same as XML`() async throws {
        let xml = JUnitReport(try await results()).xml
        try compare(xml, with: "bad.xml")
        #expect(xml.unicodeScalars.allSatisfy { $0.value >= 0x20 || $0 == "\n" })
    }

    @Test
    func `color marks the result and nothing else`() async throws {
        let results = try await results()
        let plain = RuleTestText(results).text(isColoured: true).replacing("\u{1B}[1;32m", with: "")
            .replacing("\u{1B}[1;31m", with: "").replacing("\u{1B}[0m", with: "")
        #expect(plain == RuleTestText(results).text(isColoured: false))
    }

    @Test
    func `rules with errors are failed tests in the XML`() {
        let finding = Diagnostic(
            severity: .error,
            code: "unknown-rule",
            message: "there is no rule '<a & b>\u{0}'",
            file: "rules/\"a\".yaml",
            span: SourceSpan(line: 3, column: 7)
        )
        let xml = JUnitReport(RuleTestResult(errors: [finding])).xml
        #expect(xml.contains(#"<testsuite name="rules/&quot;a&quot;.yaml" tests="1" failures="1""#))
        #expect(xml.contains("there is no rule '&lt;a &amp; b&gt;\u{FFFD}'"))
    }
}

private struct NoNetwork: HTTPSending {
    func send(
        _ request: OutgoingRequest,
        to _: (any BodyReceiving)?
    ) async throws(ExchangeError) -> IncomingAnswer {
        throw ExchangeError("the test has no network")
    }
}
