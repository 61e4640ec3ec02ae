import ArgumentParser
import CountersignCore
import CountersignOperations
import CountersignServer
import CountersignStore
import CountersignTerminal
import Foundation

extension RunsCommand {
    /// `countersign runs retry` sends runs in progress again.
    struct Retry: EnvironmentCommand {
        static let configuration = CommandConfiguration(
            abstract: "Retry failed runs.",
            discussion: """
                Retries from the step that failed; steps that succeeded are not repeated unless --from names one
                of them. A run keeps the rules that created it, even if they were corrected since; --rules current
                uses the active ones.

                Examples:
                  countersign runs retry 7
                  countersign runs retry 7 --rules current
                  countersign runs retry 7 --from erp
                  countersign runs retry --rule tell-erp --since 2d
                """
        )

        @OptionGroup var selection: RunSelection

        @Option(
            help: ArgumentHelp(
                "The step to start with: the one that failed or an earlier one; results of earlier steps are kept.",
                valueName: "step"
            ),
            completion: .reachedSteps
        )
        var from: String?

        @Option(help: "Which rules to use: those that created the run (kept), or the active ones (current).")
        var rules = RetryRequest.Rules.kept

        @OptionGroup var options: ClientOptions

        func run(in environment: CommandEnvironment) async throws {
            let client = try options.client(in: environment)
            let verb = from.map { "retry from '\($0)'" } ?? "retry"
            let ids = try await selection.runs(in: [.failed], of: client, environment, verb: verb)
            try await client.each(ids) { commands, id in
                // Each can begin with the step before any of them is touched.
                if from != nil { _ = try await commands.retry(request(for: id, isDryRun: true), once: nil) }
            }
            try await client.each(ids) { commands, id in
                let result = try await commands.retry(request(for: id, isDryRun: false), once: CommandToken())
                print("run \(id) will be retried with rule set \(result.ruleSet.short)\(note(on: result))")
            }
        }

        private func request(for id: Run.ID, isDryRun: Bool) -> RetryRequest {
            RetryRequest(id, from: from, by: rules, isDryRun: isDryRun)
        }

        private func note(on result: RetryResult) -> String {
            result.isActive == false
                ? ", which created it; the active rules differ: use '--rules current' for those" : ""
        }
    }

    /// `countersign runs discard` discards runs.
    struct Discard: EnvironmentCommand {
        static let configuration = CommandConfiguration(
            abstract: "Discard runs.",
            discussion: """
                Failed, queued or waiting runs are no longer retried or executed; they and their history are kept.

                Examples:
                  countersign runs discard 7
                  countersign runs discard --rule tell-erp --since 2d --until 1d
                """
        )

        @OptionGroup var selection: RunSelection

        @OptionGroup var options: ClientOptions

        func run(in environment: CommandEnvironment) async throws {
            let client = try options.client(in: environment)
            let ids = try await selection.runs(
                in: [.failed, .queued, .waiting],
                of: client,
                environment,
                verb: "discard"
            )
            try await client.each(ids) { commands, id in
                try await commands.discard(id, once: CommandToken())
                print("run \(id) is discarded")
            }
        }
    }
}

/// The runs that an order is for: by their numbers, or all of a rule or a time.
struct RunSelection: ParsableArguments {
    @Argument(help: ArgumentHelp("The numbers of the runs.", valueName: "id"), completion: .failedRuns)
    var ids: [Int64] = []

    @Option(help: ArgumentHelp("All runs of this rule.", valueName: "id"), completion: .rules)
    var rule: String?

    @Option(help: ArgumentHelp("All runs created since this time: 2d (ago), a date, or a time.", valueName: "time"))
    var since: String?

    @Option(help: ArgumentHelp("All runs created before this time.", valueName: "time"))
    var until: String?

    @Flag(help: "Do not ask for confirmation.")
    var yes = false

    func validate() throws {
        let isByFilter = rule != nil || since != nil || until != nil
        guard ids.isEmpty == isByFilter else {
            throw ValidationError("name the runs by their numbers, or by --rule, --since and --until")
        }
    }

    /// The numbers of the runs, the oldest first.
    ///
    /// What is about to happen to them is shown and asked about: on a terminal always, elsewhere where a filter chose them.
    ///
    /// - Throws: `CommandFailure` when nobody agrees, or there are none.
    func runs(
        in states: [Run.State],
        of client: CommandClient,
        _ environment: CommandEnvironment,
        verb: String
    ) async throws -> [Run.ID] {
        guard ids.isEmpty else {
            if !yes, isatty(STDIN_FILENO) == 1 {
                let facts = try await client.ask { try await self.facts(from: $0) }
                try confirm("\(verb) \(facts.joined(separator: "\n      "))", yes: false)
            }
            return ids.map { Run.ID(rawValue: $0) }
        }
        var query = RunQuery(ruleID: rule, limit: .max)
        (query.since, query.until) = try environment.span(since: since, until: until)
        let found = try await client.ask { questions -> [Run] in
            var found: [Run] = []
            for state in states {
                var query = query
                query.state = state
                found += try await questions.runs(query).rows.map(\.run)
            }
            return found
        }
        guard !found.isEmpty else {
            let names = states.map(\.rawValue)
            let words = [names.dropLast().joined(separator: ", "), names.last ?? ""].filter { !$0.isEmpty }
                .joined(separator: " or ")
            throw CommandFailure("no \(words) runs match; see 'countersign runs list'")
        }
        let rules = Dictionary(grouping: found, by: \.ruleID).map { "\($0) (\($1.count))" }.sorted()
        try confirm("\(verb) \(counted(found.count, "run")): \(rules.joined(separator: ", "))", yes: yes)
        return found.map(\.id).sorted { $0.rawValue < $1.rawValue }
    }

    /// Each run in a line: its rule, its event and package, and why it failed.
    private func facts(from questions: any OperatorQuestions) async throws -> [String] {
        var facts: [String] = []
        for id in ids {
            let row = try await questions.run(id).row
            let package = row.package.map { " of package \($0.showingControls)" } ?? ""
            let reason = row.reason.map { ": \($0.showingControls)" } ?? ""
            facts.append(
                "run \(id), \(row.run.ruleID) for \(row.eventName.showingControls)\(package), "
                    + "\(row.run.state.rawValue)\(reason)"
            )
        }
        return facts
    }
}

extension CommandClient {
    /// Carries out a command on each run; a run that refuses does not keep the others from being tried.
    ///
    /// - Throws: `CommandFailure` with the reasons of all that refused.
    func each(_ ids: [Run.ID], _ work: (any OperatorCommands, Run.ID) async throws -> Void) async throws {
        var failures: [String] = []
        try await order { commands, _ in
            for id in ids {
                do {
                    try await work(commands, id)
                } catch let error as OperationError {
                    failures.append(error.description)
                } catch let error as StoreError {
                    failures.append("\(error)")
                }
            }
        }
        if !failures.isEmpty { throw CommandFailure(failures.joined(separator: "\ncountersign: ")) }
    }
}

extension RetryRequest.Rules: ExpressibleByArgument {}
