import ArgumentParser
import CountersignAdmin
import CountersignModel
import CountersignStore
import Foundation

/// `countersign runs`: what was done.
struct RunsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "runs",
        abstract: "Show what was done, and put right what failed.",
        discussion: """
            Examples:
              countersign runs list --state failed
              countersign runs show 7
              countersign runs retry 7
            """,
        subcommands: [List.self, Show.self, Retry.self, Drop.self],
        defaultSubcommand: List.self
    )

    /// `countersign runs list` lists runs.
    struct List: EnvironmentCommand {
        static let configuration = CommandConfiguration(
            abstract: "List runs, the newest first.",
            discussion: """
                A run is one rule at work for one event.

                Examples:
                  countersign runs list --state failed
                  countersign runs list --event 42 --json
                """
        )

        @Option(help: ArgumentHelp("Only runs for this event.", valueName: "id"))
        var event: Int64?

        @Option(help: ArgumentHelp("Only runs of this rule.", valueName: "id"))
        var rule: String?

        @Option(help: "Only runs in this state: \(Run.State.allCases.map(\.rawValue).joined(separator: ", ")).")
        var state: Run.State?

        @Option(help: "How many at most.")
        var limit = 50

        @Flag(help: "Print each as a JSON object on a line.")
        var json = false

        @OptionGroup var options: SettingsOptions

        func run(in environment: CommandEnvironment) async throws {
            try limit.expectAtLeastOne()
            try await environment.reading(options.settings(in: environment)) { archive in
                let query = RunQuery(
                    eventID: event.map { Event.ID(rawValue: $0) },
                    ruleID: rule,
                    state: state,
                    limit: limit
                )
                show(try await archive.runs(query))
            }
        }

        private func show(_ runs: [Run]) {
            if json { return runs.forEachLine { $0.json(records: nil).text } }
            var table = Table(["ID", "EVENT", "RULE", "STATE", "CREATED", "FINISHED"])
            for run in runs {
                let isWaiting = run.state == .queued && run.dueAt > run.createdAt
                table.add([
                    "\(run.id)", "\(run.eventID)", run.ruleID, run.state.rawValue, run.createdAt.rfc3339,
                    run.finishedAt?.rfc3339 ?? run.wait.map { "waits for \($0.destination)" }
                        ?? (isWaiting ? "due \(run.dueAt.rfc3339)" : ""),
                ])
            }
            print(runs.isEmpty ? "no runs" : table.text)
        }
    }

    /// `countersign runs show` shows one run.
    struct Show: EnvironmentCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show one run with every attempt at every step.",
            discussion: """
                Example:
                  countersign runs show 7
                """
        )

        @Argument(help: "The run's number.")
        var id: Int64

        @Flag(help: "Print a JSON object.")
        var json = false

        @OptionGroup var options: SettingsOptions

        func run(in environment: CommandEnvironment) async throws {
            try await environment.reading(options.settings(in: environment)) { archive in
                guard let found = try await archive.run(Run.ID(rawValue: id)) else {
                    throw CommandFailure("\(StoreError.noSuchRun(Run.ID(rawValue: id)))")
                }
                if json { return print(found.run.json(records: found.records).indented) }
                show(found)
            }
        }

        private func show(_ found: ClaimedRun) {
            let run = found.run
            print("run       \(run.id)  \(run.state.rawValue)")
            print("rule      \(run.ruleID), of rule set \(run.ruleSet.short)")
            print("event     \(run.eventID)  \(found.event.name.printable)")
            print("created   \(run.createdAt.rfc3339)")
            if let wait = run.wait { print("waits     for \(wait.destination.printable): \(wait.reason.printable)") }
            if run.state == .queued { print("due       \(run.dueAt.rfc3339)") }
            if let finished = run.finishedAt { print("finished  \(finished.rfc3339)") }
            if run.retries > 0 { print("retried   \(run.retries) times by hand") }
            for record in found.records {
                let step = record.stepID.isEmpty ? "(run)" : record.stepID
                print("\n\(step)  attempt \(record.attempt)  \(record.status.rawValue)  in \(record.took)")
                if let reason = record.reason { print("  reason  \(reason.printable)") }
                if let plan = record.plan { print("  plan    \(plan.text.printable)") }
                if let output = record.output { print("  output  \(output.text.printable)") }
            }
        }
    }
}

extension Run.State: ExpressibleByArgument {}
