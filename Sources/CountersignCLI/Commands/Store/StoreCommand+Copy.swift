import ArgumentParser
import CountersignCore
import CountersignServer
import CountersignStore
import CountersignTerminal

extension StoreCommand {
    /// `countersign store copy` moves a store to another database.
    struct Copy: EnvironmentCommand {
        static let configuration = CommandConfiguration(
            abstract: "Copy a stopped store into an empty one, and compare both.",
            discussion: """
                Everything is copied, with the numbers of events and runs and the identity of the store, so that
                duplicates are recognized and idempotency keys stay the same. All servers of both stores must be
                stopped. FROM is only read. If the command is interrupted, run it again: it continues, and
                no server starts on TO before the copy is complete.

                FROM and TO are written like the setting 'store', or as the path of a file. The settings of
                'postgresql' are those of both. Examples:
                  countersign store copy sqlite:countersign.db postgresql://countersign@db/countersign
                  countersign store copy postgresql://countersign@db/countersign countersign.db

                Exit status: 0 copied, 1 not copied, or copied with damage that was in FROM.
                """
        )

        @Argument(help: ArgumentHelp("The store to copy.", valueName: "from"), completion: .file())
        var from: String

        @Argument(
            help: ArgumentHelp("The empty store, which is created if missing.", valueName: "to"),
            completion: .file()
        )
        var to: String

        @Flag(help: "Print a JSON object.")
        var json = false

        @OptionGroup var progress: ProgressOptions

        @Option(
            help: ArgumentHelp("Settings file (default: countersign.yaml, if it exists).", valueName: "file"),
            completion: .file(extensions: ["yaml", "yml"])
        )
        var config: String?

        func run(in environment: CommandEnvironment) async throws {
            let (here, there) = (try settings(of: from, in: environment), try settings(of: to, in: environment))
            guard here.store != there.store else { throw UsageError("'\(from)' and '\(to)' are the same store") }
            guard here.driver.exists else { throw CommandFailure("there is no store at '\(here.store)'") }
            do {
                let copy = try await copy(here, there, environment)
                print(json ? object(copy, here, there).indented : text(copy, here, there))
                if !copy.damages.isEmpty { throw ExitCode(1) }
            } catch let error as StoreError {
                throw CommandFailure("\(error)")
            } catch let error as StoreCopyError {
                throw CommandFailure("\(error)")
            }
        }

        /// The settings with a store in the place of theirs.
        private func settings(of text: String, in environment: CommandEnvironment) throws -> Settings {
            var options = SettingsOptions()
            options.config = config
            let isAddress = StoreAddress(text, in: environment.workingDirectory) != nil || text.contains("://")
            options.store = isAddress ? text : "sqlite:" + text
            return try options.settings(in: environment)
        }

        private func copy(
            _ here: Settings,
            _ there: Settings,
            _ environment: CommandEnvironment
        ) async throws -> StoreCopy {
            let source = try here.driver.source()
            do {
                try await expectEmptySpool(of: source, here)
                let target = try there.driver.target()
                do {
                    let copy = try await copy(from: source, to: target, environment)
                    await target.close()
                    await source.close()
                    return copy
                } catch {
                    await target.close()
                    throw error
                }
            } catch {
                await source.close()
                throw error
            }
        }

        private func copy(
            from source: any StoreSource,
            to target: any StoreTarget,
            _ environment: CommandEnvironment
        ) async throws -> StoreCopy {
            func line(_ label: String) -> Progress {
                Progress(label, isWanted: !progress.quiet, variables: environment.variables)
            }
            let (copying, comparing) = (line("Copying rows"), line("Comparing rows"))
            defer {
                copying.end()
                comparing.end()
            }
            return try await StoreCopier(from: source, to: target) { progress in
                switch progress.phase {
                case .copying: copying.advance(to: progress.done, of: progress.total)
                case .comparing:
                    copying.end()
                    comparing.advance(to: progress.done, of: progress.total)
                }
            }
            .copy()
        }

        /// Callbacks in the spool are acknowledged, and would be left behind.
        private func expectEmptySpool(of source: any StoreSource, _ settings: Settings) async throws {
            let path = settings.spool.path
            let identity = try await source.header().identity
            do throws(SpoolError) {
                let found = try Spool.inspect(path)
                guard found.identity == identity, found.status.events > 0 else { return }
                throw .occupied(path: path, events: found.status.events)
            } catch .missing {
                return
            } catch {
                throw CommandFailure("\(error)")
            }
        }
    }
}

extension StoreCommand.Copy {
    private func text(_ copy: StoreCopy, _ here: Settings, _ there: Settings) -> String {
        let damages = copy.damages.map { "\($0.description.printable)\n" }.joined()
        let verb = copy.start == .finished ? "was copied before" : "copied"
        let counts = [
            counted(copy.rows[.events] ?? 0, "event"), counted(copy.rows[.runs] ?? 0, "run"),
            counted(copy.rows[.steps] ?? 0, "step record"),
        ]
        let total = copy.rows.values.reduce(0, +)
        let hash = copy.hash.hexDigits
        let end =
            copy.damages.isEmpty
            ? "" : "; \(counted(copy.damages.count, "damage")) of the source is in the copy as well"
        return """
            \(damages)\("\(here.store)".printable) \(verb) to \("\(there.store)".printable): \(counts.joined(separator: ", ")); \
            \(counted(total, "row")) compared, SHA-256 \(hash)\(end)
            """
    }

    private func object(_ copy: StoreCopy, _ here: Settings, _ there: Settings) -> JSON {
        var rows = JSONObject()
        for table in StoreTable.allCases { rows[table.rawValue] = JSON(copy.rows[table] ?? 0) }
        let damages = copy.damages.map { damage -> JSON in
            ["place": .string(damage.place), "reason": .string(damage.reason)]
        }
        return [
            "from": .string("\(here.store)"), "to": .string("\(there.store)"), "identity": .string(copy.identity),
            "start": .string(copy.start.rawValue), "rows": .object(rows),
            "sha256": .string(copy.hash.hexDigits), "damages": .array(damages),
        ]
    }
}
