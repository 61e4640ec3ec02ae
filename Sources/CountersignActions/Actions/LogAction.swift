package import CountersignCore
import Logging

/// Writes a line to the log.
package struct LogAction: Action {
    private static let message = Field.template(
        "message",
        in: .text,
        "The message; control characters in values are shown as `\\n` or `\\u{…}`, so that log lines cannot be forged.",
        isRequired: true
    )
    private static let level = Field.choice(
        "level",
        ["debug", "info", "warning", "error"],
        "The severity.",
        default: "info"
    )

    /// The declaration of `log`; the examples in it are checked and dry-run by tests.
    package static let declaration = ActionDeclaration(
        name: "log",
        summary: "Writes a log line with the ids of the event, run, rule and step.",
        mainField: "message",
        fields: [message.declaration, level.declaration],
        examples: [
            .init("Log that a package is complete.", yaml: "log: \"${event.packageId} is complete\""),
            .init(
                "Warn about a bounced invitation.",
                yaml: """
                    log:
                      message: "the invitation to ${event.message | default('a signer')} bounced"
                      level: warning
                    """
            ),
        ]
    )

    /// A line that is about to be logged.
    package struct Plan: ActionPlan {
        let message: String
        let level: String

        /// The message, its control characters shown as text, and the level.
        package var json: JSON { ["message": .string(message), "level": .string(level)] }
    }

    private let options: Options

    /// The action of one step, from options that were checked against `declaration`.
    package init(options: Options) {
        self.options = options
    }

    /// Fills in the message and shows its control characters as text, so that log lines cannot be forged.
    package func plan(in scope: Scope) async throws(StepFailure) -> Plan {
        let text = try options.required(Self.message).text(in: scope, for: .text)
        return Plan(message: text.showingControls, level: options.required(Self.level))
    }

    /// Logs the message with the ids of event, run, rule and step; it never fails.
    package func perform(_ plan: Plan, in context: ActionContext) async throws(StepFailure) -> JSONObject {
        context.logger.log(level: Logger.Level(rawValue: plan.level) ?? .info, "\(plan.message)")
        return [:]
    }
}
