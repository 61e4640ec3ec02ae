import ArgumentParser
import CountersignActions
import CountersignCore
import CountersignEngine
import CountersignOneSpan
import CountersignOperations
import CountersignRules
import CountersignServer
import CountersignTerminal
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
        let reader = OneSpanCallbacks()
        let services = try environment.services(for: settings)
        let executor = RuleTestExecutor(compiler: RuleCompiler(catalogue: registry.declarations)) { sources in
            try RuleTestRunner(sources: sources, registry: registry, services: services, reader: reader)
        }
        let result: RuleTestResult
        do {
            result = try await executor.run(sources)
        } catch let error as OperationError {
            throw CommandFailure(error.description)
        }
        let printer = DiagnosticPrinter(sources: sources.sourceTexts, isColoured: environment.isColoured)
        if json {
            print(result.json(printer).indented)
        } else if result.errors.isEmpty {
            print(RuleTestText(result).text(isColoured: environment.isColoured))
        } else {
            let count = counted(result.errors.count, "error")
            print(printer.text(result.errors) + "no tests were run: the rules have \(count)")
        }
        try write(JUnitReport(result), environment)
        if result.failed > 0 || !result.errors.isEmpty { throw ExitCode(1) }
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
