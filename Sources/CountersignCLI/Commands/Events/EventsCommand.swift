import ArgumentParser

/// `countersign events`: what arrived.
struct EventsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events",
        abstract: "List and show events.",
        discussion: """
            Examples:
              countersign events list --since 2d
              countersign events show 42
            """,
        subcommands: [List.self, Show.self],
        defaultSubcommand: List.self
    )
}
