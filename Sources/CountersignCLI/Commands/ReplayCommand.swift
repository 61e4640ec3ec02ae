import ArgumentParser
import CountersignCore
import CountersignOperations
import CountersignServer
import CountersignStore
import CountersignTerminal
import Foundation

/// `countersign replay`: has stored events evaluated once more.
struct ReplayCommand: EnvironmentCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Evaluate stored events again with the active rules.",
        discussion: """
            A new or corrected rule gets the runs that it would have had. A rule that has a run for an event
            keeps it, unless --again restarts it from its first step with the same idempotency keys. What
            would be done is shown first; the running server does it.

            Examples:
              countersign replay 42
              countersign replay --event PACKAGE_COMPLETE --since 7d --rule file-completed-package
              countersign replay --package 5n4obeO8jYoPp126Cm-Y3fxdfbo= --again --yes
            """
    )

    /// How many events one order to the server names.
    private static let batch = 200

    @Argument(help: ArgumentHelp("The numbers of the events.", valueName: "id"))
    var ids: [Int64] = []

    @Option(
        help: ArgumentHelp("All events with this name.", valueName: "name"),
        completion: .list(EventCatalogue.names)
    )
    var event: String?

    @Option(help: ArgumentHelp("All events of this package.", valueName: "id"), completion: .packages)
    var package: String?

    @Option(help: ArgumentHelp("All events since this time: 7d (ago), a date, or a time.", valueName: "time"))
    var since: String?

    @Option(help: ArgumentHelp("All events before this time.", valueName: "time"))
    var until: String?

    @Option(help: ArgumentHelp("Only this rule.", valueName: "id"), completion: .rules)
    var rule: String?

    @Flag(help: "Restart runs that have ended.")
    var again = false

    @Flag(help: "Show what would be done, without doing it.")
    var dryRun = false

    @Flag(help: "Do not ask for confirmation.")
    var yes = false

    @Flag(help: "Print one JSON object per line with the outcome of each run.")
    var json = false

    @OptionGroup var progress: ProgressOptions

    @OptionGroup var options: ClientOptions

    func validate() throws {
        let isByFilter = event != nil || package != nil || since != nil || until != nil
        guard ids.isEmpty == isByFilter else {
            throw ValidationError("name the events by their numbers, or by --event, --package, --since and --until")
        }
    }

    func run(in environment: CommandEnvironment) async throws {
        let client = try options.client(in: environment)
        let events = try await events(of: client, environment)
        let prospects = try await replay(events, by: client, isDryRun: true, environment)
        let count = prospects.count { $0.outcome.isChange }
        if dryRun || count == 0 {
            show(prospects, tense: "would be ", environment)
            return
        }
        if !json { show(prospects, tense: "would be ", environment) }
        try confirm("create or restart \(counted(count, "run")) of \(counted(events.count, "event"))", yes: yes)
        let replayed = try await replay(events, by: client, isDryRun: false, environment)
        if json {
            show(replayed, tense: "", environment)
        } else {
            let count = replayed.count { $0.outcome.isChange }
            print(count == 1 ? "1 run is queued" : "\(count) runs are queued")
        }
    }

    private func events(of client: CommandClient, _ environment: CommandEnvironment) async throws -> [Event.ID] {
        guard ids.isEmpty else { return ids.map { Event.ID(rawValue: $0) } }
        var query = EventQuery(name: event, packageID: package, limit: .max)
        (query.since, query.until) = try environment.span(since: since, until: until)
        let found = try await client.ask { [query] in try await $0.eventIDs(query) }
        guard !found.isEmpty else {
            let doubt = unknownEvent(event) ?? "see 'countersign events list'"
            throw CommandFailure("no events match; \(doubt)")
        }
        return found
    }

    private func replay(
        _ events: [Event.ID],
        by client: CommandClient,
        isDryRun: Bool,
        _ environment: CommandEnvironment
    ) async throws -> [ReplayedRun] {
        let label = isDryRun ? "Evaluating events" : "Replaying events"
        let bar = Progress(
            label,
            of: events.count,
            isWanted: !json && !progress.quiet,
            variables: environment.variables
        )
        defer { bar.end() }
        return try await client.order { commands, _ in
            var runs: [ReplayedRun] = []
            for start in stride(from: 0, to: events.count, by: Self.batch) {
                let batch = Array(events[start..<min(start + Self.batch, events.count)])
                runs += try await commands.replay(
                    ReplayRequest(events: batch, ruleID: rule, restartsEnded: again, isDryRun: isDryRun),
                    once: isDryRun ? nil : CommandToken()
                )
                bar.advance(to: start + batch.count)
            }
            return runs
        }
    }

    private func show(_ runs: [ReplayedRun], tense: String, _ environment: CommandEnvironment) {
        if json { return runs.forEachLine { $0.json.text } }
        guard !runs.isEmpty else { return print("no active rule matches") }
        var table = Table(["EVENT", "RULE", "OUTCOME"])
        for run in runs.prefix(Self.shown) {
            let words =
                switch run.outcome {
                case .created: "\(tense)created"
                case .restarted: "\(tense)restarted"
                case .unchanged: "unchanged"
                case .refused: "refused: the rule counts events, and counts none twice"
                }
            table.add(["\(run.eventID)", run.ruleID, words])
        }
        print(table.text(on: environment.terminal()))
        if runs.count > Self.shown { print("and \(runs.count - Self.shown) more") }
    }

    /// How many lines a person wants to see before deciding.
    private static let shown = 50
}
