package import CountersignCore
package import CountersignRules

/// A request to check rule files.
package struct CheckRequest: Sendable {
    /// The files.
    package let sources: RuleSources

    /// Whether scripts are looked at by shellcheck, where it is installed.
    package let checksScripts: Bool

    /// A request to check `sources`.
    package init(_ sources: RuleSources, checksScripts: Bool) {
        self.sources = sources
        self.checksScripts = checksScripts
    }
}

/// What is wrong with rule files.
package struct CheckResult: Sendable {
    /// How many files were checked.
    package let files: Int

    /// The findings in the order of files and lines.
    package var findings: [Diagnostic]

    /// How many findings are errors.
    package var errors: Int { findings.count { $0.severity == .error } }

    /// How many findings are warnings.
    package var warnings: Int { findings.count { $0.severity == .warning } }
}

/// Checks rule files.
package struct RuleChecker: Sendable {
    private let compiler: RuleCompiler
    private let shellCheck: ShellCheck
    private let lacks: (@Sendable (RuleSet) -> [Diagnostic])?

    /// - Parameters:
    ///   - compiler: Reads the files.
    ///   - shellCheck: Looks at their scripts.
    ///   - lacks: Warnings for what rules need and the settings do not provide; nil where the files are meant for another
    ///     deployment.
    package init(
        compiler: RuleCompiler,
        shellCheck: ShellCheck,
        lacks: (@Sendable (RuleSet) -> [Diagnostic])?
    ) {
        self.compiler = compiler
        self.shellCheck = shellCheck
        self.lacks = lacks
    }

    /// What is wrong with the files.
    ///
    /// - Throws: `OperationError` where shellcheck is installed but cannot be used.
    package func check(_ request: CheckRequest) async throws(OperationError) -> CheckResult {
        let outcome = compiler.compile(request.sources)
        var findings = outcome.diagnostics
        if request.checksScripts { findings += try await shellCheck.findings(about: outcome.scripts) }
        if let lacks, let ruleSet = outcome.ruleSet { findings += lacks(ruleSet) }
        return CheckResult(files: request.sources.files.count, findings: findings.sorted())
    }
}
