import ArgumentParser
import CountersignActions
import CountersignCore
import CountersignEngine
import CountersignOperations
import CountersignRules
import CountersignServer
import CountersignTerminal
import Foundation

/// `countersign explain` tells why rules matched a stored event, or did not.
struct ExplainCommand: EnvironmentCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Explain why rules matched an event or did not.",
        discussion: """
            For each rule of the set that evaluated the event: whether it matched, each condition with the
            actual value, and what would have had to be different. Ages are relative to the time of the
            evaluation.

            Examples:
              countersign explain 42
              countersign explain 42 opt-out-alert
              countersign explain 42 --json

            An event that is not evaluated yet is explained with the last active rules.
            """
    )

    @Argument(help: "The event's number.")
    var event: Int64

    @Argument(help: "Only this rule.", completion: .rules)
    var rule: String?

    @Flag(help: "Print a JSON object.")
    var json = false

    @OptionGroup var options: ClientOptions

    func run(in environment: CommandEnvironment) async throws {
        var explanation = try await options.client(in: environment).ask { try await $0.explanation(ofEvent: event) }
        do throws(ExplanationError) {
            if let rule { explanation = try explanation.only(rule) }
        } catch {
            throw CommandFailure("\(error)")
        }
        print(json ? explanation.json.indented : ExplanationText(explanation).text)
    }
}
