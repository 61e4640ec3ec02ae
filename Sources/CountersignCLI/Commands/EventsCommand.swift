import ArgumentParser
import CountersignAdmin
import CountersignModel
import CountersignStore
import Foundation

/// `countersign events`: what came in.
struct EventsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events",
        abstract: "Show what came in.",
        discussion: """
            Examples:
              countersign events list --since 2d
              countersign events show 42
            """,
        subcommands: [List.self, Show.self],
        defaultSubcommand: List.self
    )

    /// `countersign events list` lists events.
    struct List: EnvironmentCommand {
        static let configuration = CommandConfiguration(
            abstract: "List events, the newest first.",
            discussion: """
                Examples:
                  countersign events list --event PACKAGE_OPT_OUT
                  countersign events list --quarantined
                """
        )

        @Option(help: ArgumentHelp("Only events of this name.", valueName: "name"))
        var event: String?

        @Option(help: ArgumentHelp("Only events of this package.", valueName: "id"))
        var package: String?

        @Option(help: ArgumentHelp("Only events of the last time, such as 2d.", valueName: "duration"))
        var since: String?

        @Option(help: "How many at most.")
        var limit = 50

        @Flag(help: "List bodies that could not be read as an event instead.")
        var quarantined = false

        @Flag(help: "Print each as a JSON object on a line.")
        var json = false

        @OptionGroup var options: SettingsOptions

        func run(in environment: CommandEnvironment) async throws {
            try limit.expectAtLeastOne()
            if quarantined, event != nil || package != nil {
                throw UsageError("what is quarantined has no event or package; leave out --event and --package")
            }
            let query = EventQuery(
                name: event,
                packageID: package,
                since: try environment.date(before: since),
                limit: limit
            )
            try await environment.reading(options.settings(in: environment)) { archive in
                if quarantined {
                    show(try await archive.quarantined(since: query.since, limit: limit))
                } else {
                    show(try await archive.events(query))
                }
            }
        }

        private func show(_ events: [StoredEvent]) {
            if json { return events.forEachLine { $0.json.text } }
            var table = Table(["ID", "RECEIVED", "EVENT", "PACKAGE", "ORIGIN", "DUPLICATES", "MESSAGE"])
            for stored in events {
                let payload = stored.event.payload
                table.add([
                    "\(stored.event.id)", stored.event.receivedAt.rfc3339, stored.event.name,
                    payload["packageId"]?.plainText ?? "", stored.event.origin.rawValue,
                    stored.duplicates > 0 ? "\(stored.duplicates)" : "",
                    stored.damage.map { "DAMAGED: \($0)" } ?? String((payload["message"]?.plainText ?? "").prefix(60)),
                ])
            }
            print(events.isEmpty ? "no events" : table.text)
        }

        private func show(_ bodies: [QuarantinedBody]) {
            if json { return bodies.forEachLine { $0.json.text } }
            var table = Table(["ID", "RECEIVED", "REASON", "BODY"])
            for body in bodies {
                table.add([
                    "\(body.id)", body.receivedAt.rfc3339, body.reason,
                    String(String(decoding: body.body, as: UTF8.self).prefix(60)),
                ])
            }
            print(bodies.isEmpty ? "nothing is quarantined" : table.text)
        }
    }

    /// `countersign events show` shows one event.
    struct Show: EnvironmentCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show one event with its body and its runs.",
            discussion: """
                Examples:
                  countersign events show 42
                  countersign events show 42 --raw > body.json
                """
        )

        @Argument(help: "The event's number.")
        var id: Int64

        @Flag(help: "Print the body as it came, byte for byte, and nothing else.")
        var raw = false

        @Flag(help: "Print a JSON object.")
        var json = false

        @OptionGroup var options: SettingsOptions

        func run(in environment: CommandEnvironment) async throws {
            try await environment.reading(options.settings(in: environment)) { archive in
                guard let stored = try await archive.event(Event.ID(rawValue: id)) else {
                    throw CommandFailure("there is no event \(id); 'countersign events list' shows which there are")
                }
                if raw { return FileHandle.standardOutput.write(Data(stored.body)) }
                let runs = try await archive.runs(RunQuery(eventID: stored.event.id, limit: .max))
                show(stored, runs.reversed())
            }
        }

        private func show(_ stored: StoredEvent, _ runs: [Run]) {
            if json {
                var object = stored.json.object ?? JSONObject()
                object["runs"] = .array(runs.map { $0.json(records: nil) })
                return print(JSON.object(object).indented)
            }
            print("event       \(stored.event.id)  \(stored.event.name.printable)")
            print("received    \(stored.event.receivedAt.rfc3339), origin \(stored.event.origin.rawValue)")
            if stored.duplicates > 0 { print("duplicates  \(stored.duplicates) more deliveries of the same event") }
            let judged = stored.dispatchedAt.map { "\($0.rfc3339) by rule set \(stored.ruleSet?.short ?? "-")" }
            print("judged      \(judged ?? "not yet")")
            print("payload     \(stored.event.payload.indented.printableLines)")
            print(runs.isEmpty ? "runs        none" : "runs")
            for run in runs { print("  \(run.id)  \(run.ruleID)  \(run.state.rawValue)") }
        }
    }
}

extension Int {
    /// Refuses a `--limit` that would show nothing.
    ///
    /// - Throws: `UsageError`.
    func expectAtLeastOne() throws {
        guard self >= 1 else { throw UsageError("--limit is at least 1, not \(self)") }
    }
}

extension Array {
    /// Prints each element on a line of its own.
    func forEachLine(_ text: (Element) -> String) {
        for element in self { print(text(element)) }
    }
}
