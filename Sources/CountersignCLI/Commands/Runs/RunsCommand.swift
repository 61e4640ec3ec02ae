import ArgumentParser

/// `countersign runs`: what was done.
struct RunsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "runs",
        abstract: "List, show, retry and discard runs.",
        discussion: """
            Examples:
              countersign runs list --state failed
              countersign runs show 7
              countersign runs retry 7
            """,
        subcommands: [List.self, Show.self, Retry.self, Discard.self],
        defaultSubcommand: List.self
    )
}
