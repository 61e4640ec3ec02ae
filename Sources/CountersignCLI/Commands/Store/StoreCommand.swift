import ArgumentParser

/// `countersign store`: looks after the store, which holds everything.
struct StoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "store",
        abstract: "Check, back up or copy the store.",
        discussion: """
            Examples:
              countersign store check
              countersign store backup /backup/countersign-$(date +%F).db
              countersign store check /backup/countersign-2026-11-24.db
              countersign store copy sqlite:countersign.db postgresql://countersign@db/countersign
            """,
        subcommands: [Check.self, Backup.self, Copy.self]
    )
}
