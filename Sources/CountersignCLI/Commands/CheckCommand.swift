import ArgumentParser
import CountersignActions
import CountersignCore
import CountersignRules
import Foundation

/// `countersign check` tells whether rule files are right.
struct CheckCommand: EnvironmentCommand {
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case text
        case json
        case github
    }

    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check rule files.",
        discussion: """
            Example:
              countersign check rules

            Without a path, the rules of the settings are checked, including whether the settings provide
            what the rules need. Scripts are also checked by shellcheck if it is installed.

            Exit status: 0 no errors, 1 errors (with --strict: or warnings), 2 wrong usage.
            """
    )

    @Argument(
        help: ArgumentHelp("Rule files and folders (default: the rules of the settings).", valueName: "path"),
        completion: .file()
    )
    var paths: [String] = []

    @Option(help: "Output format: text, json, or github (annotations for CI).")
    var format: Format?

    @Flag(help: "The same as --format json.")
    var json = false

    @Flag(help: "Treat warnings as errors.")
    var strict = false

    @Flag(inversion: .prefixedNo, help: "Check scripts with shellcheck if it is installed.")
    var shellcheck = true

    @OptionGroup var options: SettingsOptions

    func validate() throws {
        guard !json || format == nil || format == .json else {
            throw ValidationError("--json and --format exclude each other: give only one")
        }
    }

    func run(in environment: CommandEnvironment) async throws {
        let settings = try options.settings(in: environment)
        let registry = try await environment.registry(for: settings)
        let sources = try environment.ruleSources(paths.isEmpty ? [settings.rulesPath] : paths)
        let outcome = RuleCompiler(catalogue: registry.declarations).compile(sources)
        var findings = outcome.diagnostics
        if shellcheck {
            let processes = SystemProcesses(environment: environment.variables)
            let shellCheck = ShellCheck(processes: processes, folder: environment.workingDirectory)
            findings = (findings + (try await shellCheck.findings(about: outcome.scripts))).sorted()
        }
        // What is named on the command line may be meant for another deployment.
        if paths.isEmpty, let ruleSet = outcome.ruleSet {
            findings = (findings + settings.lacks(of: ruleSet, labelled: sources.label)).sorted()
        }
        show(findings, sources, environment)
        let hasErrors = findings.contains { strict || $0.severity == .error }
        if hasErrors { throw ExitCode(1) }
    }

    private func show(_ findings: [Diagnostic], _ sources: RuleSources, _ environment: CommandEnvironment) {
        let printer = DiagnosticPrinter(sources: sources.sourceTexts, isColoured: environment.isColoured)
        switch json ? .json : format ?? .text {
        case .json: print(printer.json(findings).indented)
        case .github: findings.isEmpty ? () : print(printer.github(findings))
        case .text:
            if !findings.isEmpty { print(printer.text(findings)) }
            let errors = findings.count { $0.severity == .error }
            let warnings = findings.count - errors
            let files = counted(sources.files.count, "file")
            print(
                findings.isEmpty
                    ? "\(files) \(sources.files.count == 1 ? "is" : "are") right"
                    : "\(counted(errors, "error")), \(counted(warnings, "warning")) in \(files)"
            )
        }
    }
}
