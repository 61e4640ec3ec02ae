import ArgumentParser
import CountersignActions
import CountersignCore
import CountersignEngine
import CountersignRules
import CountersignStore
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

        @Option(help: "Which rules to use: those that created the run, or the --rules current uses the active ones.")
        var rules = RulesOfRetry.kept

        @OptionGroup var options: SettingsOptions

        func run(in environment: CommandEnvironment) async throws {
            let settings = try options.settings(in: environment)
            let check: ([Run.ID]) async throws -> Void = { ids in
                // What the active rules have, the server knows.
                if let from, rules == .kept { try await expect(step: from, of: ids, settings, environment) }
            }
            let verb = from.map { "retry from '\($0)'" } ?? "retry"
            let ids = try await selection.runs(in: [.failed], settings, environment, verb: verb, check: check)
            try await environment.carryOut(
                .retry(from: from, takesCurrentRules: rules == .current),
                on: ids,
                settings,
                done: "will be retried"
            )
        }

        enum RulesOfRetry: String, ExpressibleByArgument, CaseIterable {
            case kept
            case current
        }

        /// Makes sure that each of the runs can begin with the step, before any of them is touched.
        private func expect(
            step: String,
            of ids: [Run.ID],
            _ settings: Settings,
            _ environment: CommandEnvironment
        ) async throws {
            let registry = try await environment.registry(for: settings)
            try await environment.reading(settings) { archive in
                let explainer = Explainer(archive: archive, compiler: RuleCompiler(catalogue: registry.declarations))
                for id in ids {
                    guard let found = try await archive.run(id) else { throw StoreError.noSuchRun(id) }
                    do {
                        let objection = try await explainer.resumption(of: found).objection(to: step)
                        if let objection { throw CommandFailure(objection) }
                    } catch let error as UnknownRuleSet {
                        throw CommandFailure("\(error)")
                    }
                }
            }
        }
    }

    /// `countersign runs discard` discards runs.
    struct Discard: EnvironmentCommand {
        static let configuration = CommandConfiguration(
            abstract: "Discard runs.",
            discussion: """
                Failed or waiting runs are not retried any more; they and their history are kept.

                Examples:
                  countersign runs discard 7
                  countersign runs discard --rule tell-erp --since 2d --until 1d
                """
        )

        @OptionGroup var selection: RunSelection

        @OptionGroup var options: SettingsOptions

        func run(in environment: CommandEnvironment) async throws {
            let settings = try options.settings(in: environment)
            let ids = try await selection.runs(in: [.failed, .queued], settings, environment, verb: "discard") { _ in }
            try await environment.carryOut(.discard, on: ids, settings, done: "is discarded")
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
    /// - Throws: `CommandFailure` when nobody agrees, and what `check` throws before anybody is asked.
    func runs(
        in states: [Run.State],
        _ settings: Settings,
        _ environment: CommandEnvironment,
        verb: String,
        check: ([Run.ID]) async throws -> Void
    ) async throws -> [Run.ID] {
        guard ids.isEmpty else {
            let chosen = ids.map { Run.ID(rawValue: $0) }
            try await check(chosen)
            if !yes, isatty(STDIN_FILENO) == 1 {
                let facts = try await facts(of: chosen, settings, environment)
                try confirm("\(verb) \(facts.joined(separator: "\n      "))", yes: false)
            }
            return chosen
        }
        var query = RunQuery(ruleID: rule, limit: .max)
        (query.since, query.until) = try environment.span(since: since, until: until)
        var found: [Run] = []
        try await environment.reading(settings) { archive in
            for state in states {
                query.state = state
                found += try await archive.runs(query)
            }
        }
        guard !found.isEmpty else {
            let words = states.map(\.rawValue).joined(separator: " or ")
            throw CommandFailure("no \(words) runs match; see 'countersign runs list'")
        }
        let rules = Dictionary(grouping: found, by: \.ruleID).map { "\($0) (\($1.count))" }.sorted()
        let chosen = found.map(\.id).sorted { $0.rawValue < $1.rawValue }
        try await check(chosen)
        try confirm("\(verb) \(counted(found.count, "run")): \(rules.joined(separator: ", "))", yes: yes)
        return chosen
    }

    /// Each run in a line: its rule, its event and package, and why it failed.
    private func facts(
        of ids: [Run.ID],
        _ settings: Settings,
        _ environment: CommandEnvironment
    ) async throws -> [String] {
        var facts: [String] = []
        try await environment.reading(settings) { archive in
            for id in ids {
                guard let found = try await archive.run(id) else { throw StoreError.noSuchRun(id) }
                let package = found.event.payload.packageID.map { " of package \($0.showingControls)" } ?? ""
                let failure = found.records.last { $0.status == .failed }
                let reason = failure.map { ": \($0.stepID ?? "run"): \(($0.reason ?? "").showingControls)" } ?? ""
                facts.append(
                    "run \(id), \(found.run.ruleID) for \(found.event.name.showingControls)\(package), "
                        + "\(found.run.state.rawValue)\(reason)"
                )
            }
        }
        return facts
    }
}

extension CommandEnvironment {
    /// Carries out an order on each run; a run that refuses does not keep the others from being tried.
    func carryOut(_ order: ControlClient.Order, on ids: [Run.ID], _ settings: Settings, done: String) async throws {
        let control = ControlClient(settings: settings, clock: clock, client: client)
        var failures: [String] = []
        for id in ids {
            do {
                let note = try await control.carryOut(order, on: id)
                print("run \(id) \(done)\(note)")
            } catch let failure as CommandFailure {
                failures.append(failure.description)
            }
        }
        if !failures.isEmpty { throw CommandFailure(failures.joined(separator: "\ncountersign: ")) }
    }
}
