package import CountersignCore
package import CountersignEngine
package import CountersignRules

/// What the tests in rule files came to.
package struct RuleTestResult: Sendable {
    /// One test and how long it took.
    package struct Entry: Sendable {
        /// What happened in the test, and what differs from its expectations.
        package let report: RuleTestReport

        /// How long the test took by the machine's clock, whatever times it simulates.
        package let took: Duration

        /// The result of a test that ran for `took`.
        package init(report: RuleTestReport, took: Duration) {
            self.report = report
            self.took = took
        }
    }

    /// The tests in their order; empty where the rules have errors.
    package let entries: [Entry]

    /// The errors of the rules, with which none of their tests can be run.
    package let errors: [Diagnostic]

    /// The result of these tests, in their order.
    package init(_ entries: [Entry]) {
        self.entries = entries
        errors = []
    }

    /// No test was run: the rules have errors.
    package init(errors: [Diagnostic]) {
        entries = []
        self.errors = errors
    }

    /// How many tests failed.
    package var failed: Int { entries.count { !$0.report.isPassed } }

    /// How many tests passed.
    package var passed: Int { entries.count - failed }
}

/// Runs the tests in rule files.
package struct RuleTestExecutor: Sendable {
    private let compiler: RuleCompiler
    private let runner: @Sendable (RuleSources) async throws -> RuleTestRunner

    /// - Parameters:
    ///   - compiler: Reads the files.
    ///   - runner: Makes what runs the tests of the files.
    package init(compiler: RuleCompiler, runner: @escaping @Sendable (RuleSources) async throws -> RuleTestRunner) {
        self.compiler = compiler
        self.runner = runner
    }

    /// Runs all tests in `sources`.
    ///
    /// - Throws: `OperationError` where there are none, and what making the runner throws.
    package func run(_ sources: RuleSources) async throws -> RuleTestResult {
        let outcome = compiler.compile(sources)
        let errors = outcome.diagnostics.filter { $0.severity == .error }
        guard errors.isEmpty else { return RuleTestResult(errors: errors) }
        guard !outcome.tests.isEmpty else {
            let files = sources.files.count
            throw OperationError(
                .notFound,
                "no tests in \(files) \(files == 1 ? "file" : "files"); write one under 'tests:' "
                    + "('countersign test --help' shows how)"
            )
        }
        let runner = try await runner(sources)
        let clock = ContinuousClock()
        var entries: [RuleTestResult.Entry] = []
        for test in outcome.tests {
            let start = clock.now
            let report = try await runner.run(test)
            entries.append(RuleTestResult.Entry(report: report, took: clock.now - start))
        }
        return RuleTestResult(entries)
    }
}

/// The result as `--json` prints it.
extension RuleTestResult {
    /// One object: the counts, and each test with its failures and its runs; or the errors of the rules, by `printer`.
    package func json(_ printer: DiagnosticPrinter) -> JSON {
        var object: JSONObject = [
            "passed": JSON(passed), "failed": JSON(failed), "tests": .array(entries.map(Self.json)),
        ]
        if !errors.isEmpty { object["findings"] = printer.json(errors) }
        return .object(object)
    }

    private static func json(_ entry: Entry) -> JSON {
        let report = entry.report
        return [
            "name": .string(report.test.name), "file": .string(report.test.file),
            "line": JSON(report.test.span.line), "passed": .bool(report.isPassed),
            "duration": .string(entry.took.text),
            "failures": .array(report.failures.map(json)), "runs": .array(report.runs.map(json)),
        ]
    }

    private static func json(_ failure: RuleTestReport.Failure) -> JSON {
        let text = RuleTestFailureText(failure: failure)
        return [
            "line": text.line.map { JSON($0) } ?? .null, "message": .string(text.sentence),
            "details": .array(text.details.map { .string($0) }),
        ]
    }

    private static func json(_ run: RuleTestReport.TestedRun) -> JSON {
        [
            "event": JSON(run.event), "rule": .string(run.rule), "state": .string(run.state.rawValue),
            "steps": .array(
                run.steps.map { step in
                    [
                        "id": .string(step.id), "status": .string(step.status.rawValue),
                        "attempts": JSON(step.attempts),
                        "reason": JSON(step.reason), "plan": step.plan ?? .null,
                    ]
                }
            ),
        ]
    }
}
