import ArgumentParser

/// `countersign rules`: what is active.
struct RulesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rules",
        abstract: "List and show the active rules.",
        discussion: """
            Active rules are those that the server last loaded without errors.

            Examples:
              countersign rules list
              countersign rules show tell-erp
            """,
        subcommands: [List.self, Show.self],
        defaultSubcommand: List.self
    )
}
