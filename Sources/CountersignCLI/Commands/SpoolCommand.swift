import ArgumentParser
import CountersignCore
import CountersignServer
import CountersignStore
import CountersignTerminal
import Foundation
import Logging

/// `countersign spool` looks after callbacks that are acknowledged and not in the store yet.
struct SpoolCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "spool",
        abstract: "Show, check or drain the spool.",
        discussion: """
            The spool holds callbacks that arrived while the store could not store them. A running server
            drains it by itself.

            Examples:
              countersign spool show
              countersign spool check
              countersign spool drain --from /var/lib/countersign-2/countersign.db.spool
            """,
        subcommands: [Show.self, Check.self, Drain.self]
    )

    /// `countersign spool show` lists what is in the spool.
    struct Show: EnvironmentCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show what is in the spool; the server may keep running.",
            discussion: """
                Examples:
                  countersign spool show
                  countersign spool show --json
                """
        )

        @Flag(help: "Print a JSON object.")
        var json = false

        @OptionGroup var options: SettingsOptions

        func run(in environment: CommandEnvironment) async throws {
            let path = try options.settings(in: environment).spool.path
            let found = try SpoolCommand.inspect(path)
            if json { return print(SpoolCommand.json(of: found, path).indented) }
            print("\(path.printable): \(found.summary), for the store \(found.identity.printable)")
            guard !found.records.isEmpty else { return }
            var table = Table(["received", "event", "bytes"])
            for record in found.records {
                table.add([record.receivedAt.rfc3339, record.title, "\(record.body.count)"])
            }
            print(table.text(on: environment.terminal()))
        }
    }

    /// `countersign spool check` looks for damage.
    struct Check: EnvironmentCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check the spool for damage; the server may keep running.",
            discussion: """
                Reads every frame and compares it with its checksum.

                Exit status: 0 no damage, 1 damage found.
                """
        )

        @Flag(help: "Print a JSON object.")
        var json = false

        @OptionGroup var options: SettingsOptions

        func run(in environment: CommandEnvironment) async throws {
            let path = try options.settings(in: environment).spool.path
            let found = try SpoolCommand.inspect(path)
            if json {
                print(SpoolCommand.json(of: found, path).indented)
            } else {
                for damage in found.damages { print("\(path.printable): \(damage)") }
                print(
                    "\(found.summary), "
                        + (found.damages.isEmpty ? "no damage" : counted(found.damages.count, "damage"))
                )
            }
            if !found.damages.isEmpty { throw ExitCode(1) }
        }
    }

    /// `countersign spool drain` moves what is in a spool into the store.
    struct Drain: EnvironmentCommand {
        static let configuration = CommandConfiguration(
            abstract: "Move what is in the spool into the store, while no server runs on it.",
            discussion: """
                Nothing is stored twice, however often it is done. Use --from for the file of an instance that
                is gone; the file stays, and is empty afterwards:
                  countersign spool drain --from /mnt/old/countersign.db.spool
                """
        )

        @Option(
            help: ArgumentHelp("The file to drain (default: the spool of the settings).", valueName: "file"),
            completion: .file()
        )
        var from: String?

        @Flag(help: "Drain the spool of another store as well.")
        var adoptSpool = false

        @OptionGroup var options: SettingsOptions

        func run(in environment: CommandEnvironment) async throws {
            let settings = try options.settings(in: environment)
            let path = from?.absolute(from: environment.workingDirectory) ?? settings.spool.path
            _ = try SpoolCommand.inspect(path)
            let store: any OwnedStore
            do {
                store = try settings.driver.open {
                    throw StoreError.older(path: "\(settings.store)", found: $0.from)
                }
            } catch StoreError.inUse {
                throw CommandFailure(
                    "a server runs on '\(settings.storePath)': it drains its own spool by itself; to drain another file, stop it first"
                )
            } catch {
                throw CommandFailure("\(error)")
            }
            do {
                let totals = try await drain(path, into: store, settings, environment)
                await store.close()
                print(totals)
            } catch {
                await store.close()
                throw error
            }
        }

        private func drain(
            _ path: String,
            into store: any OwnedStore,
            _ settings: Settings,
            _ environment: CommandEnvironment
        ) async throws -> String {
            var spoolOptions = settings.spool.options(adopting: adoptSpool)
            spoolOptions.path = path
            spoolOptions.allowsVolatile = true
            do {
                let spool = try Spool.open(spoolOptions, for: store.identity)
                let silent = Logger(label: "countersign") { _ in SwiftLogNoOpLogHandler() }
                let drain = SpoolDrain(
                    spool: spool,
                    into: store,
                    reporter: IncidentReporter(store: store, clock: environment.clock),
                    clock: environment.clock,
                    logger: silent
                )
                let totals = try await drain.drainOnce()
                await spool.close()
                return "\(counted(totals.events, "event")) stored, \(totals.duplicates) of them already there, "
                    + "\(totals.quarantined) quarantined: \(path.printable) is empty"
            } catch {
                throw CommandFailure("\(error)")
            }
        }
    }
}

extension SpoolCommand {
    fileprivate static func inspect(_ path: String) throws -> SpoolInspection {
        do {
            return try Spool.inspect(path)
        } catch {
            throw CommandFailure("\(error)")
        }
    }

    fileprivate static func json(of found: SpoolInspection, _ path: String) -> JSON {
        let records = found.records.map { record -> JSON in
            [
                "received_at": .string(record.receivedAt.rfc3339), "name": JSON(record.name),
                "bytes": JSON(record.body.count),
            ]
        }
        return [
            "path": .string(path), "store": .string(found.identity),
            "size": .string(found.status.size.description), "used": .string(found.status.used.description),
            "events": .array(records), "damages": .array(found.damages.map { .string($0) }),
        ]
    }
}

extension SpoolInspection {
    fileprivate var summary: String {
        let since = status.oldest.map { ", the oldest received at \($0.rfc3339)" } ?? ""
        return "\(counted(status.events, "event")), \(status.used.rounded) of \(status.size.rounded) in use\(since)"
    }
}

extension SpoolRecord {
    /// The name of an event; nil for a body that is none.
    fileprivate var name: String? {
        if case .event(let name, _, _, _, _) = content { name } else { nil }
    }

    fileprivate var title: String { name ?? "unreadable body" }
}
