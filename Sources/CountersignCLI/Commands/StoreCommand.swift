import ArgumentParser
import CountersignModel
import CountersignStore
import Foundation

/// `countersign store`: looks after the file that holds everything.
struct StoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "store",
        abstract: "Check the store, or copy it; the server may go on meanwhile.",
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
            abstract: "Look through the whole store for damage.",
            discussion: """
                Looked at: whether the newest event that was acknowledged is here, SQLite's structures, whether each column
                of each row holds what it can hold, the belonging of rows to one another, and each event's body against the
                hash that was stored with it. A plan or an output of a step that was changed for another one is not found.
                It can be used on a backup as well:
                  countersign store check /backup/countersign-2026-11-24.db

                Exit status: 0 all is whole, 1 something is damaged.
                """
        )

        @Argument(
            help: ArgumentHelp("A copy to look through; without it, the store of the settings.", valueName: "file"),
            completion: .file()
        )
        var file: String?

        @Flag(help: "Print a JSON object.")
        var json = false

        @OptionGroup var options: SettingsOptions

        func validate() throws {
            guard file == nil || options.store == nil else {
                throw ValidationError("name one store only, by FILE or by --store")
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
                let verdict = check.damages.isEmpty ? "all is whole" : "restore a backup, and keep this file"
                let seen = "\(counted(check.events, "event")) and \(counted(check.runs, "run"))"
                print("\(seen), \(counted(check.damages.count, "damage")): \(verdict)")
            }
            if !check.damages.isEmpty { throw ExitCode(1) }
        }
    }

    /// `countersign store backup` copies the store.
    struct Backup: EnvironmentCommand {
        static let configuration = CommandConfiguration(
            abstract: "Copy the store as it is now into a file.",
            discussion: """
                The copy is whole, checked, readable by its owner only, and one file. To go back to it, stop the server, put
                it in the place of the store, and delete the files -wal and -shm beside that.

                Example:
                  countersign store backup /backup/countersign-$(date +%F).db
                """
        )

        @Argument(help: ArgumentHelp("The new file.", valueName: "file"), completion: .file())
        var file: String

        @Flag(help: "Replace a file that is there.")
        var force = false

        @OptionGroup var progress: ProgressOptions

        @OptionGroup var options: SettingsOptions

        func run(in environment: CommandEnvironment) async throws {
            let settings = try options.settings(in: environment)
            let target = file.absolute(from: environment.workingDirectory)
            guard StorePath.resolved(target) != settings.storePath else {
                throw UsageError("'\(file)' is the store itself")
            }
            guard force || !FileManager.default.fileExists(atPath: target) else {
                throw CommandFailure("'\(file)' is there already; name another file, or replace it with --force")
            }
            let bar = Progress("Copying pages", isWanted: !progress.quiet, environment)
            defer { bar.end() }
            try await environment.opening(settings) { archive in
                try await archive.back(upTo: target) { done, total in
                    if done < total { bar.advance(to: done, of: total) } else { bar.begin("Checking the copy") }
                }
            }
            bar.end()
            let size = try FileManager.default.attributesOfItem(atPath: target)[.size] as? Int ?? 0
            print("\(file): \(size) bytes, whole")
        }
    }
}
