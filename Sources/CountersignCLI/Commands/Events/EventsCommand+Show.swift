import ArgumentParser
import CountersignCore
import CountersignOperations
import CountersignServer
import CountersignStore
import CountersignTerminal
import Foundation

extension EventsCommand {
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

        @OptionGroup var form: BodyOptions

        @OptionGroup var colours: ColourOptions

        @OptionGroup var options: ClientOptions

        func run(in environment: CommandEnvironment) async throws {
            let client = try options.client(in: environment)
            if form.raw { return try StandardOutput.write(try await client.ask { try await $0.body(ofEvent: id) }) }
            let details = try await client.ask { try await $0.event(id) }
            if form.json { return print(details.json.indented) }
            show(details, on: environment.terminal(colours.choice))
        }

        private func show(_ details: EventDetails, on terminal: Terminal) {
            let (stored, runs) = (details.stored, details.runs)
            print("event       \(stored.event.id)  \(stored.event.name.printable)")
            print("received    \(stored.event.receivedAt.rfc3339), origin \(stored.event.origin.rawValue)")
            if stored.duplicates > 0 {
                print("duplicates  \(stored.duplicates)")
            }
            let evaluated = stored.dispatchedAt.map { "\($0.rfc3339) by rule set \(stored.ruleSet?.short ?? "-")" }
            print("evaluated   \(evaluated ?? "not yet")")
            print("trace       \(details.trace)")
            print("payload     \(stored.event.payload.indented.printableLines)")
            print(runs.isEmpty ? "runs        none" : "runs")
            for run in runs {
                let state = Style.of(run.state).applied(to: run.state.rawValue, on: terminal)
                print("  \(run.id)  \(run.ruleID)  \(state)")
            }
        }
    }
}

extension Array {
    /// Prints each element on a line of its own.
    func forEachLine(_ text: (Element) -> String) {
        for element in self { print(text(element)) }
    }
}
