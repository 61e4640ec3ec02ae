import ArgumentParser

/// `countersign quarantine`: bodies that could not be read as events.
struct QuarantineCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quarantine",
        abstract: "Show bodies that could not be read as events.",
        discussion: """
            Such a body is answered with 400 and kept for inspection; rules do not see it.

            Examples:
              countersign quarantine list --since 2d
              countersign quarantine show 3
              countersign quarantine show 3 --raw > body.txt
            """,
        subcommands: [List.self, Show.self],
        defaultSubcommand: List.self
    )
}
