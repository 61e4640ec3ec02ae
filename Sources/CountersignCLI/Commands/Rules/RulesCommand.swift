import ArgumentParser

/// `countersign rules`: what is in force.
struct RulesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rules",
        abstract: "Show the rules in force, and how they fare.",
        discussion: """
            In force are the rules that the server read last without finding an error.

            Examples:
              countersign rules list
              countersign rules show tell-erp
            """,
        subcommands: [List.self, Show.self],
        defaultSubcommand: List.self
    )
}
