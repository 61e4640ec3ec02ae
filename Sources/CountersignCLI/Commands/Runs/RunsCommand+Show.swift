import ArgumentParser
import CountersignCore
import CountersignOperations
import CountersignServer
import CountersignStore
import CountersignTerminal

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

        @OptionGroup var options: ClientOptions

        func run(in environment: CommandEnvironment) async throws {
            let details = try await options.client(in: environment).ask { try await $0.run(id) }
            if json { return print(details.json.indented) }
            show(details, on: environment.terminal(colours.choice))
        }

        private func show(_ details: RunDetails, on terminal: Terminal) {
            let run = details.run
            print("run       \(run.id)  \(Style.of(run.state).applied(to: run.state.rawValue, on: terminal))")
            let part = run.part.isEmpty ? "" : ", part \(run.part.printable)"
            print("rule      \(run.ruleID)\(part), of rule set \(run.ruleSet.short)")
            print("event     \(run.eventID)  \(details.row.eventName.printable)")
            if let trace = details.trace { print("trace     \(trace)") }
            print("created   \(run.createdAt.rfc3339)")
            if let wait = run.wait { print("waits     for \(wait.destination.printable): \(wait.reason.printable)") }
            if let place = run.place {
                let slot = place.slot.map { "slot \($0)" } ?? (run.waitsInQueue ? "waiting for its turn" : "done")
                print("queue     \(place.queue.printable), \(slot)")
            }
            if let successor = run.supersededBy { print("replaced  by run \(successor)") }
            // Who waits for a destination is woken; its due time is for the case that nobody does so.
            if run.state.isClaimable, run.wait == nil, !run.waitsInQueue { print("due       \(run.dueAt.rfc3339)") }
            if run.state == .queued, let reason = details.row.reason { print("after     \(reason.printable)") }
            if let home = run.home { print("home      \(home.printable), where its steps left files") }
            if let finished = run.finishedAt { print("finished  \(finished.rfc3339)") }
            if run.retries > 0 { print("retried   \(counted(run.retries, "time")) by hand") }
            for record in details.records {
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
