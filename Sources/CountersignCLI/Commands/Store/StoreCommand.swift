import ArgumentParser
import CountersignCore
import CountersignServer
import CountersignStore
import CountersignTerminal
import Foundation

/// `countersign store`: looks after the file that holds everything.
struct StoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "store",
        abstract: "Check or back up the store; the server may keep running.",
        discussion: """
            Examples:
              countersign store check
              countersign store backup /backup/countersign-$(date +%F).db
              countersign store check /backup/countersign-2026-11-24.db
            """,
        subcommands: [Check.self, Backup.self]
    )

    /// `countersign store check` looks for damage.
    struct Check: EnvironmentCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check the store for damage.",
            discussion: """
                Checks that the newest acknowledged event exists, its structure, the values of all columns,
                the references between rows, and each event's body against its stored hash. A plan or an output of
                a step that was replaced by another valid one is not detected. Works on a backup as well:
                  countersign store check /backup/countersign-2026-11-24.db

                Exit status: 0 no damage, 1 damage found.
                """
        )

        @Argument(
            help: ArgumentHelp("The copy to check (default: the store of the settings).", valueName: "file"),
            completion: .file()
        )
        var file: String?

        @Flag(help: "Print a JSON object.")
        var json = false

        @OptionGroup var options: SettingsOptions

        func validate() throws {
            guard file == nil || options.store == nil else {
                throw ValidationError("give FILE or --store, not both")
            }
        }

        func run(in environment: CommandEnvironment) async throws {
            var options = options
            if let file { options.store = "sqlite:" + file }
            let settings = try options.settings(in: environment)
            let check = try await environment.opening(settings) { try await $0.check() }
            if json {
                let damages = check.damages.map { damage -> JSON in
                    ["place": .string(damage.place), "reason": .string(damage.reason)]
                }
                let object: JSON = [
                    "events": JSON(check.events), "runs": JSON(check.runs), "damages": .array(damages),
                ]
                print(object.indented)
            } else {
                for damage in check.damages { print(damage.description.printable) }
                let result =
                    check.damages.isEmpty
                    ? "no damage" : "\(counted(check.damages.count, "damage")); restore a backup, and keep this file"
                let seen = "\(counted(check.events, "event")) and \(counted(check.runs, "run"))"
                print("\(seen): \(result)")
            }
            if !check.damages.isEmpty { throw ExitCode(1) }
        }
    }

    /// `countersign store backup` copies the store.
    struct Backup: EnvironmentCommand {
        static let configuration = CommandConfiguration(
            abstract: "Back up the store to a file.",
            discussion: """
                The backup is one file, checked, and readable by its owner only. To restore it, stop the server,
                replace the store with it, and delete the files -wal and -shm next to it.

                Example:
                  countersign store backup /backup/countersign-$(date +%F).db
                """
        )

        @Argument(help: ArgumentHelp("The new file.", valueName: "file"), completion: .file())
        var file: String

        @Flag(help: "Replace an existing file.")
        var force = false

        @OptionGroup var progress: ProgressOptions

        @OptionGroup var options: SettingsOptions

        func run(in environment: CommandEnvironment) async throws {
            let settings = try options.settings(in: environment)
            let target = file.absolute(from: environment.workingDirectory)
            guard StorePath.resolved(target) != settings.store.file else {
                throw UsageError("'\(file)' is the store itself")
            }
            guard force || !FileManager.default.fileExists(atPath: target) else {
                throw CommandFailure("'\(file)' already exists; name another file, or replace it with --force")
            }
            let bar = Progress("Copying pages", isWanted: !progress.quiet, variables: environment.variables)
            defer { bar.end() }
            try await environment.opening(settings) { archive in
                try await archive.copy(to: target) { done, total in
                    if done < total { bar.advance(to: done, of: total) } else { bar.begin("Checking the backup") }
                }
            }
            bar.end()
            let size = try FileManager.default.attributesOfItem(atPath: target)[.size] as? Int ?? 0
            print("\(file): \(ByteSize(bytes: Int64(size)).rounded), checked")
        }
    }
}
