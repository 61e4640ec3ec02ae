import ArgumentParser
import CountersignCore
import CountersignServer
import CountersignStore
import CountersignTerminal

extension StoreCommand {
    /// `countersign store check` looks for damage.
    struct Check: EnvironmentCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check the store and its spool for damage; the server may keep running.",
            discussion: """
                Checks that the newest acknowledged event exists, its structure, the values of all columns,
                the references between rows, and each event's body against its stored hash. A plan or an output of
                a step that was replaced by another valid one is not detected. Of the spool, each frame is compared
                with its checksum. Works on a backup as well:
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
            // The spool of the settings is not one of a copy.
            let spool = file == nil ? SpoolCheck(settings.spool.path, of: check.identity) : nil
            if json {
                print(object(check, spool).indented)
            } else {
                for damage in check.damages { print(damage.description.printable) }
                for damage in spool?.damages ?? [] { print(damage.printable) }
                print(summary(check, spool))
            }
            if !check.damages.isEmpty || spool?.damages.isEmpty == false { throw ExitCode(1) }
        }

        private func object(_ check: StoreCheck, _ spool: SpoolCheck?) -> JSON {
            let damages = check.damages.map { damage -> JSON in
                ["place": .string(damage.place), "reason": .string(damage.reason)]
            }
            let spooled: JSON =
                spool.map {
                    [
                        "path": .string($0.path), "events": JSON($0.events),
                        "damages": .array($0.damages.map { .string($0) }),
                    ]
                } ?? .null
            return [
                "events": JSON(check.events), "runs": JSON(check.runs), "damages": .array(damages), "spool": spooled,
            ]
        }

        private func summary(_ check: StoreCheck, _ spool: SpoolCheck?) -> String {
            var seen = "\(counted(check.events, "event")) and \(counted(check.runs, "run"))"
            if let spool, spool.events > 0 { seen += ", \(counted(spool.events, "event")) in the spool" }
            let (inStore, inSpool) = (check.damages.count, spool?.damages.count ?? 0)
            guard inStore + inSpool > 0 else { return "\(seen): no damage" }
            let advice =
                inStore > 0
                ? "restore a backup, and keep this file"
                : "keep a copy of the spool, and run 'countersign poll --once' for that time"
            return "\(seen): \(counted(inStore + inSpool, "damage")); \(advice)"
        }
    }
}

/// What a look into the spool of a store found.
private struct SpoolCheck {
    let path: String

    /// How many events are not in the store yet.
    private(set) var events = 0

    /// What is not as it was written, as sentences.
    private(set) var damages: [String] = []

    /// Nil where there is no spool.
    init?(_ path: String, of identity: String) {
        self.path = path
        do throws(SpoolError) {
            let found = try Spool.inspect(path)
            events = found.status.events
            damages = found.damages.map { "the spool '\(path)': \($0)" }
            if events > 0, found.identity != identity {
                let error = SpoolError.otherStore(
                    path: path,
                    found: found.identity,
                    wanted: identity,
                    events: events
                )
                damages.append("\(error)")
            }
        } catch .missing {
            return nil
        } catch {
            damages = ["\(error)"]
        }
    }
}
