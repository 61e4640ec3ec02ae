import ArgumentParser
import CountersignCore
import CountersignOperations
import CountersignStore

extension RunsCommand {
    /// `countersign runs show` shows one run.
    struct Show: EnvironmentCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show one run with all attempts of all steps.",
            discussion: """
                Example:
                  countersign runs show 7
                """
        )

        @Argument(help: "The run's number.")
        var id: Int64

        @Flag(help: "Print a JSON object.")
        var json = false

        @OptionGroup var colours: ColourOptions

        @OptionGroup var options: SettingsOptions

        func run(in environment: CommandEnvironment) async throws {
            try await environment.reading(options.settings(in: environment)) { archive in
                guard let found = try await archive.run(Run.ID(rawValue: id)) else {
                    throw CommandFailure("\(StoreError.noSuchRun(Run.ID(rawValue: id)))")
                }
                let trace = try await archive.traceID(of: found.event)
                if json { return print(RunDetails(run: found.run, records: found.records, trace: trace).json.indented) }
                show(found, trace, on: environment.terminal(colours.choice))
            }
        }

        private func show(_ found: ClaimedRun, _ trace: TraceID, on terminal: Terminal) {
            let run = found.run
            print("run       \(run.id)  \(Style.of(run.state).applied(to: run.state.rawValue, on: terminal))")
            print("rule      \(run.ruleID), of rule set \(run.ruleSet.short)")
            print("event     \(run.eventID)  \(found.event.name.printable)")
            print("trace     \(trace)")
            print("created   \(run.createdAt.rfc3339)")
            if let wait = run.wait { print("waits     for \(wait.destination.printable): \(wait.reason.printable)") }
            // Who waits for a destination is woken; its due time is for the case that nobody does so.
            if run.state == .queued, run.wait == nil { print("due       \(run.dueAt.rfc3339)") }
            if run.state == .queued, let reason = RunRow(found).reason { print("after     \(reason.printable)") }
            if let finished = run.finishedAt { print("finished  \(finished.rfc3339)") }
            if run.retries > 0 { print("retried   \(counted(run.retries, "time")) by hand") }
            for record in found.records {
                let step = record.stepID ?? "(run)"
                let status = Style.of(record.status).applied(to: record.status.rawValue, on: terminal)
                print("\n\(step)  attempt \(record.attempt)  \(status)  in \(record.took)")
                if let reason = record.reason { print("  reason  \(reason.printable)") }
                if let plan = record.plan { print("  plan    \(plan.text.printable)") }
                if let output = record.output { print("  output  \(output.text.printable)") }
            }
        }
    }
}
