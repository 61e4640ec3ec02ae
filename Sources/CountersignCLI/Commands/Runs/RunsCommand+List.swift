import ArgumentParser
import CountersignCore
import CountersignOperations
import CountersignServer
import CountersignStore

extension RunsCommand {
    /// `countersign runs list` lists runs.
    struct List: EnvironmentCommand {
        static let configuration = CommandConfiguration(
            abstract: "List runs, newest first.",
            discussion: """
                A run executes one rule for one event.

                Examples:
                  countersign runs list --state failed --since 2d
                  countersign runs list --rule tell-erp --watch
                  countersign runs list --event-id 42 --json
                """
        )

        @OptionGroup(title: "Filters") var filter: RunFilter

        @OptionGroup(title: "Output") var listing: ListingOptions

        @OptionGroup var options: ClientOptions

        func run(in environment: CommandEnvironment) async throws {
            let client = try options.client(in: environment)
            _ = try filter.query(in: environment, limit: listing.limit)
            try await listing.show(in: environment, client) { [filter, limit = listing.limit] questions in
                try await .runs(try await questions.runs(try filter.query(in: environment, limit: limit)).rows)
                    .explained { try await questions.unknownRule(filter.rule) }
            }
        }
    }
}

/// The flags that choose runs.
struct RunFilter: ParsableArguments {
    @Option(
        name: .customLong("event-id"),
        help: ArgumentHelp("Only runs of the event with this number.", valueName: "number")
    )
    var eventID: Int64?

    @Option(help: ArgumentHelp("Only runs of this rule.", valueName: "id"), completion: .rules)
    var rule: String?

    @Option(help: "Only runs in this state: \(Run.State.allCases.map(\.rawValue).joined(separator: ", ")).")
    var state: Run.State?

    @Option(help: ArgumentHelp("Only runs for events of this package.", valueName: "id"), completion: .packages)
    var package: String?

    @Option(help: ArgumentHelp("Only runs for events of this account.", valueName: "name"))
    var account: String?

    @Option(
        help: ArgumentHelp(
            "Only runs created since this time: 2d (ago), 2026-01-31, or an RFC 3339 time.",
            valueName: "time"
        )
    )
    var since: String?

    @Option(help: ArgumentHelp("Only runs created before this time.", valueName: "time"))
    var until: String?

    func validate() throws {
        guard eventID == nil || package == nil else {
            throw ValidationError("an event belongs to one package; give only one of --event-id and --package")
        }
    }

    /// The query, its times relative to now.
    ///
    /// - Throws: `UsageError`.
    func query(in environment: CommandEnvironment, limit: Int) throws -> RunQuery {
        let (start, end) = try environment.span(since: since, until: until)
        return RunQuery(
            eventID: eventID.map { Event.ID(rawValue: $0) },
            ruleID: rule,
            state: state,
            packageID: package,
            account: account,
            since: start,
            until: end,
            limit: limit
        )
    }
}

extension Run.State: ExpressibleByArgument {}
