import ArgumentParser

/// `countersign events`: what came in.
struct EventsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events",
        abstract: "Show what came in.",
        discussion: """
            Examples:
              countersign events list --since 2d
              countersign events show 42
            """,
        subcommands: [List.self, Show.self],
        defaultSubcommand: List.self
    )
}
