import ArgumentParser
import CountersignServer
import CountersignTerminal
import Foundation

/// `countersign reference` prints what rules and settings can say.
struct ReferenceCommand: EnvironmentCommand {
    static let configuration = CommandConfiguration(
        commandName: "reference",
        abstract: "Print the reference of operators, actions, filters, settings, events and metrics.",
        discussion: """
            The output is Markdown, generated from the program, and includes your custom actions.

            Example:
              countersign reference actions
            """
    )

    @Argument(
        help:
            "The part to print: operators, actions, filters, settings, events, system-events or metrics; all by default.",
        completion: .list(Reference.parts)
    )
    var part: String?

    @OptionGroup var options: SettingsOptions

    func run(in environment: CommandEnvironment) async throws {
        let registry = try await environment.registry(for: options.settings(in: environment))
        let sections = Reference(registry: registry).sections
        let chosen = sections.filter { part == nil || $0.name == part }
        guard !chosen.isEmpty else {
            let names = sections.map(\.name).joined(separator: ", ")
            throw UsageError("there is no section '\(part ?? "")'; there are \(names)")
        }
        for section in chosen { print("## \(section.name.capitalized)\n\n\(section.text)") }
    }
}
