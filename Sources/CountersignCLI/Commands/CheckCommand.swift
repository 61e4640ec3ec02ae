import ArgumentParser
import CountersignActions
import CountersignCore
import CountersignOperations
import CountersignRules
import CountersignServer
import CountersignTerminal
import Foundation

/// `countersign check` tells whether rule files are valid.
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
        let lacks: @Sendable (RuleSet) -> [Diagnostic] = { settings.lacks(of: $0, labelled: sources.label) }
        let checker = RuleChecker(
            compiler: RuleCompiler(catalogue: registry.declarations),
            shellCheck: ShellCheck(
                processes: SystemProcesses(environment: environment.variables),
                folder: environment.workingDirectory
            ),
            // What is named on the command line may be meant for another deployment.
            lacks: paths.isEmpty ? lacks : nil
        )
        let result: CheckResult
        do throws(OperationError) {
            result = try await checker.check(CheckRequest(sources, checksScripts: shellcheck))
        } catch {
            throw CommandFailure(error.description)
        }
        show(result, sources, environment)
        if result.errors > 0 || strict && result.warnings > 0 { throw ExitCode(1) }
    }

    private func show(_ result: CheckResult, _ sources: RuleSources, _ environment: CommandEnvironment) {
        let findings = result.findings
        let printer = DiagnosticPrinter(sources: sources.sourceTexts, isColoured: environment.isColoured)
        switch json ? .json : format ?? .text {
        case .json: print(printer.json(findings).indented)
        case .github: findings.isEmpty ? () : print(printer.github(findings))
        case .text:
            if !findings.isEmpty { print(printer.text(findings)) }
            let files = counted(result.files, "file")
            print(
                findings.isEmpty
                    ? "\(files) \(result.files == 1 ? "is" : "are") valid"
                    : "\(counted(result.errors, "error")), \(counted(result.warnings, "warning")) in \(files)"
            )
        }
    }
}
