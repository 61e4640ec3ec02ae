import ArgumentParser
import CountersignActions
import CountersignCore
import CountersignOperations
import CountersignRules
import CountersignServer
import CountersignStore
import CountersignTerminal

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

        @OptionGroup var options: ClientOptions

        func run(in environment: CommandEnvironment) async throws {
            let details = try await options.client(in: environment).ask { try await $0.rule(id) }
            if json { return print(details.json.indented) }
            show(details, on: environment.terminal(colours.choice))
        }

        private func show(_ details: RuleDetails, on terminal: Terminal) {
            let (rule, statistics) = (details.status, details.status.statistics)
            print(
                "rule        \(Style.heading.applied(to: rule.id, on: terminal))\(rule.isEnabled ? "" : "  disabled")"
            )
            if let summary = rule.summary { print("for         \(summary.printable)") }
            print("events      \((rule.eventPatterns?.joined(separator: ", ") ?? "any").printable)")
            if let timing = rule.timing { print("timing      \(timing.printable)") }
            print("file        \(rule.file.printable)\(", line \(rule.line)")")
            print("last day    \(statistics.runs.runs)")
            let failed = statistics.failed == 0 ? "none" : Style.bad.applied(to: statistics.failed.runs, on: terminal)
            print("failed      \(failed)")
            print("last match  \(statistics.lastMatch?.rfc3339 ?? "never")")
            if !details.source.isEmpty { print("\n\(details.source.printableLines)") }
        }
    }
}

extension Int {
    /// So many runs, in words.
    fileprivate var runs: String { "\(self) \(self == 1 ? "run" : "runs")" }
}
