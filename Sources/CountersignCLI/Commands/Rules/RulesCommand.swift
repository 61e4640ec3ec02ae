import ArgumentParser

/// `countersign rules`: what is active.
struct RulesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rules",
        abstract: "List, show and activate rules.",
        discussion: """
            Active rules are those that the server last loaded without errors; where instances share a store,
            all of them go by the same.

            Examples:
              countersign rules list
              countersign rules show tell-erp
              countersign rules install
            """,
        subcommands: [List.self, Show.self, Install.self],
        defaultSubcommand: List.self
    )
}
