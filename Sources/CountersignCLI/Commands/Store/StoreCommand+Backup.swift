import ArgumentParser
import CountersignCore
import CountersignServer
import CountersignStore
import CountersignTerminal
import Foundation

extension StoreCommand {
    /// `countersign store backup` copies the store.
    struct Backup: EnvironmentCommand {
        static let configuration = CommandConfiguration(
            abstract: "Back up the store to a file; the server may keep running.",
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
