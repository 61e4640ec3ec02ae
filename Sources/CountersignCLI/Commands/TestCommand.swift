import ArgumentParser
import CountersignActions
import CountersignCore
import CountersignEngine
import CountersignOneSpan
import CountersignRules
import Foundation

/// `countersign test` runs the tests inside rule files.
struct TestCommand: EnvironmentCommand {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "Run the tests in rule files.",
        discussion: """
            Each test sends its events through the engine, with a clock that steps from one due time to the
            next. Steps are planned as usual, but not executed: the result of a step is that of its 'mock', or
            success without outputs; of several mocks, each is for one attempt. Secrets are masked.

            Examples:
              countersign test rules
              countersign test --junit results.xml rules examples/rules

            A test in a rule file:
              tests:
                - name: a full disk is reported
                  send:
                    - { name: PACKAGE_OPT_OUT, packageId: A, message: fraud }
                  mock:
                    - { rule: opt-out-alert, step: shell, fail: no space left }
                  expect:
                    - rule: opt-out-alert
                      ends: failed
                      steps: [shell, { id: log, plan: { level: error } }]
                  expect_none: [archive-signed-package]

            Exit status: 0 all passed; 1 a test failed, the rules have errors, or there are no tests; 2 wrong
            usage.
            """
    )

    @Argument(
        help: ArgumentHelp("Rule files and folders (default: the rules of the settings).", valueName: "path"),
        completion: .file()
    )
    var paths: [String] = []

    @Option(
        help: ArgumentHelp("Also write the results as JUnit XML to this file.", valueName: "file"),
        completion: .file()
    )
    var junit: String?

    @Flag(help: "Print one JSON object instead of text.")
    var json = false

    @OptionGroup var options: SettingsOptions

    func run(in environment: CommandEnvironment) async throws {
        let settings = try options.settings(in: environment)
        let registry = try await environment.registry(for: settings)
        let paths = paths.isEmpty ? [settings.rulesPath] : paths.map { $0.absolute(from: environment.workingDirectory) }
        let sources = try environment.ruleSources(paths)
        let outcome = RuleCompiler(catalogue: registry.declarations).compile(sources)
        let errors = outcome.diagnostics.filter { $0.severity == .error }
        guard errors.isEmpty else { try refuse(errors, sources, environment) }
        guard !outcome.tests.isEmpty else {
            let files = sources.files.count
            throw CommandFailure(
                "no tests in \(files) \(files == 1 ? "file" : "files"); write one under 'tests:' "
                    + "('countersign test --help' shows how)"
            )
        }
        let runner = try await RuleTestRunner(
            sources: sources,
            registry: registry,
            services: environment.services(for: settings),
            reader: OneSpanCallbacks(authentication: .none)
        )
        let text = RuleTestText(try await entries(of: outcome.tests, runner))
        print(json ? text.json.indented : text.text(isColoured: environment.isColoured))
        try write(JUnitReport(text), environment)
        if text.failed > 0 { throw ExitCode(1) }
    }

    private func entries(of tests: [RuleTest], _ runner: RuleTestRunner) async throws -> [RuleTestText.Entry] {
        let clock = ContinuousClock()
        var entries: [RuleTestText.Entry] = []
        for test in tests {
            let start = clock.now
            let report = try await runner.run(test)
            entries.append(
                RuleTestText.Entry(report: report, took: clock.now - start)
            )
        }
        return entries
    }

    /// Shows why the rules cannot be tested.
    private func refuse(
        _ errors: [Diagnostic],
        _ sources: RuleSources,
        _ environment: CommandEnvironment
    ) throws -> Never {
        let printer = DiagnosticPrinter(sources: sources.sourceTexts, isColoured: environment.isColoured)
        if json {
            let report: JSON = ["passed": 0, "failed": 0, "tests": [], "findings": printer.json(errors)]
            print(report.indented)
        } else {
            let count = counted(errors.count, "error")
            print(printer.text(errors) + "no tests were run: the rules have \(count)")
        }
        try write(JUnitReport(errors), environment)
        throw ExitCode(1)
    }

    private func write(_ report: JUnitReport, _ environment: CommandEnvironment) throws {
        guard let junit else { return }
        let path = junit.absolute(from: environment.workingDirectory)
        do {
            try Data(report.xml.utf8).write(to: URL(filePath: path), options: .atomic)
        } catch {
            let cause = (error as? CocoaError)?.underlying as? POSIXError
            let reason = cause.map { String(cString: strerror($0.code.rawValue)).lowercased() } ?? "\(error)"
            throw CommandFailure("the results cannot be written to '\(junit)': \(reason)")
        }
    }
}
