import ArgumentParser
import CountersignActions
import CountersignCore
import CountersignOperations
import CountersignRules
import CountersignServer
import CountersignStore
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

            Without a path, the rules of the settings are checked. Then, and where --config, --store or
            --server says which deployment the rules are for, it is also checked whether the settings provide
            what the rules need, and notices tell what becomes of timers, digests and counts that are open
            in its store, where rules are edited, disabled or removed. Scripts are also checked by
            shellcheck if it is installed.

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

    @OptionGroup var options: ClientOptions

    /// Whether the files are known to be meant for the deployment of the settings; what is named on the command line may
    /// be meant for another one.
    private var isForSettings: Bool {
        paths.isEmpty || options.local.config != nil || options.local.store != nil
    }

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
            lacks: isForSettings ? lacks : nil
        )
        var result: CheckResult
        do throws(OperationError) {
            result = try await checker.check(CheckRequest(sources, checksScripts: shellcheck))
        } catch {
            throw CommandFailure(error.description)
        }
        if result.errors == 0 { result.findings += try await openState(under: sources, settings, environment) }
        show(result, sources, environment)
        if result.errors > 0 || strict && result.warnings > 0 { throw ExitCode(1) }
    }

    /// What becomes of what is open, as notices; none where no store is at hand.
    private func openState(
        under sources: RuleSources,
        _ settings: Settings,
        _ environment: CommandEnvironment
    ) async throws -> [Diagnostic] {
        guard options.server != nil || isForSettings && settings.driver.exists else { return [] }
        do {
            let effects = try await options.client(in: environment).ask { try await $0.editEffects(of: sources) }
            return effects.map { $0.finding(in: sources) }
        } catch let error as CommandFailure where options.server == nil {
            // The rules are valid all the same, whatever the state of the store.
            StandardError.tell("what is open cannot be looked at: \(error)")
            return []
        }
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
                result.errors + result.warnings == 0
                    ? "\(files) \(result.files == 1 ? "is" : "are") valid"
                    : "\(counted(result.errors, "error")), \(counted(result.warnings, "warning")) in \(files)"
            )
        }
    }
}
