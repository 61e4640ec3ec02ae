import ArgumentParser

/// `countersign pending`: what rules with state keep open.
struct PendingCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pending",
        abstract: "List, show, cancel and hasten what is pending: timers, digests, queues.",
        discussion: """
            What rules with 'after', 'debounce', 'digest', 'schedule' and 'concurrency' keep open, with its
            key, its due time and its reason.

            Examples:
              countersign pending list --package 5n4obeO8jYoPp126Cm-Y3fxdfbo=
              countersign pending show 12
              countersign pending cancel 12
              countersign pending run-now 12
            """,
        subcommands: [List.self, Show.self, Cancel.self, RunNow.self],
        defaultSubcommand: List.self
    )
}
