import ArgumentParser

/// `countersign packages`: what became of packages.
struct PackagesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "packages",
        abstract: "List and show packages.",
        discussion: """
            Examples:
              countersign packages list
              countersign packages show 5n4obeO8jYoPp126Cm-Y3fxdfbo=
            """,
        subcommands: [List.self, Show.self],
        defaultSubcommand: List.self
    )
}
