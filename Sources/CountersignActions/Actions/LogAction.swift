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
                      message: "the invitation to ${event.message | default('a signer')} came back"
                      level: warning
                    """
            ),
        ]
    )

    /// A line that is about to be logged.
    package struct Plan: ActionPlan {
        let message: String
        let level: String

        package var json: JSON { ["message": .string(message), "level": .string(level)] }
    }

    private let options: Options

    package init(options: Options) {
        self.options = options
    }

    package func plan(in scope: Scope) async throws(StepFailure) -> Plan {
        let text = try options.required(Self.message).text(in: scope, for: .text)
        return Plan(message: text.showingControls, level: options.required(Self.level))
    }

    package func perform(_ plan: Plan, in context: ActionContext) async throws(StepFailure) -> JSONObject {
        context.logger.log(level: Logger.Level(rawValue: plan.level) ?? .info, "\(plan.message)")
        return [:]
    }
}
