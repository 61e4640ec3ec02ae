import ArgumentParser
import CountersignActions
import CountersignModel
import CountersignRules
import CountersignStore

extension RulesCommand {
    /// `countersign rules show` shows one rule.
    struct Show: EnvironmentCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show one active rule: its source and its statistics.",
            discussion: """
                Example:
                  countersign rules show tell-erp
                """
        )

        @Argument(help: "The rule's id.", completion: .rules)
        var id: String

        @Flag(help: "Print a JSON object.")
        var json = false

        @OptionGroup var colours: ColourOptions

        @OptionGroup var options: SettingsOptions

        func run(in environment: CommandEnvironment) async throws {
            let settings = try options.settings(in: environment)
            let compiler = RuleCompiler(catalogue: try await environment.registry(for: settings).declarations)
            try await environment.reading(settings) { archive in
                let rules = try await ActiveRules.read(archive, compiler)
                guard let status = try await rules.status(of: id, in: archive, at: environment.clock.now) else {
                    let near = Suggestion.nearest(to: id, among: rules.ruleSet.rules.map(\.id))
                    let hint = near.map { "did you mean '\($0)'?" } ?? "see 'countersign rules list'"
                    throw CommandFailure("there is no active rule '\(id)'; \(hint)")
                }
                let outline = rules.sources.outlines.first { $0.id == id }
                if json { return print(object(status, outline).indented) }
                show(status, outline, on: environment.terminal(colours.choice))
            }
        }

        private func show(_ status: RuleStatus, _ outline: RuleOutline?, on terminal: Terminal) {
            let rule = status.rule
            print(
                "rule        \(Style.heading.applied(to: rule.id, on: terminal))\(rule.isEnabled ? "" : "  disabled")"
            )
            if let summary = rule.summary { print("for         \(summary.printable)") }
            print("events      \((rule.eventPatterns?.joined(separator: ", ") ?? "any").printable)")
            print("file        \(rule.file.printable)\(outline.map { ", line \($0.line)" } ?? "")")
            print("last day    \(status.runsOfTheDay.runs)")
            let failed = status.failed == 0 ? "none" : Style.bad.applied(to: status.failed.runs, on: terminal)
            print("failed      \(failed)")
            print("last match  \(status.lastMatch?.rfc3339 ?? "never")")
            if let outline { print("\n\(outline.text.printableLines)") }
        }

        private func object(_ status: RuleStatus, _ outline: RuleOutline?) -> JSON {
            var object = status.json.object ?? [:]
            object["line"] = outline.map { JSON($0.line) }
            object["source"] = JSON(outline?.text)
            return .object(object)
        }
    }
}

extension Int {
    /// So many runs, in words.
    fileprivate var runs: String { "\(self) \(self == 1 ? "run" : "runs")" }
}
