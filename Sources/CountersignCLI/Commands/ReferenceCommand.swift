import ArgumentParser
import Foundation

/// `countersign reference` prints what rules and settings can say.
struct ReferenceCommand: EnvironmentCommand {
    static let configuration = CommandConfiguration(
        commandName: "reference",
        abstract: "Print the reference of operators, actions, filters, settings, events and metrics.",
        discussion: """
            It is Markdown, made from the program itself; actions of your own are in it.

            Example:
              countersign reference actions
            """
    )

    @Argument(
        help:
            "The part to print: operators, actions, filters, settings, events, troubles or metrics; all of them by default.",
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
            throw UsageError("there is no part '\(part ?? "")'; there are \(names)")
        }
        for section in chosen { print("## \(section.name.capitalized)\n\n\(section.text)") }
    }
}
