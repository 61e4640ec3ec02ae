package import CountersignCore

/// Runs a program without a shell between.
package struct ExecAction: Action {
    private static let arguments = Field.arguments(
        "argv",
        "The program and its arguments; each element is one argument. A path with a '/' is relative to the rule file.",
        isRequired: true
    )

    package static let declaration = ActionDeclaration(
        name: "exec",
        summary:
            "Runs a program without a shell; the event is passed as environment variables and, as JSON, on standard input.",
        mainField: "argv",
        fields: [arguments.declaration] + ProgramStep.fields,
        outputs: ProgramStep.outputs,
        examples: [
            .init(
                "Fetch the signed document with a program beside the rule file and read its answer as JSON.",
                yaml: """
                    exec:
                      argv: [./bin/fetch-signed, --package, "${event.packageId}"]
                      output: json
                    """
            ),
            .init(
                "Pass a signer's text to a program that might mistake it for an option.",
                yaml: """
                    exec:
                      argv: [logger, --tag, countersign, --, "${event.message}"]
                    """
            ),
        ]
    )

    private let templates: [Template]
    private let step: ProgramStep

    package init(options: Options) {
        templates = options.required(Self.arguments)
        step = ProgramStep(options: options)
    }

    package func plan(in scope: Scope) async throws(StepFailure) -> ProgramPlan {
        guard let program = templates.first?.literal, !program.isEmpty else {
            throw .final("the first element of 'argv' is the program and may not contain '${…}'")
        }
        var arguments: [String] = []
        for template in templates {
            let text = try template.text(in: scope, for: .argument)
            try Self.requireNoOption(text, from: template, behind: arguments, templates)
            arguments.append(text)
        }
        let path =
            program.utf8.contains(UInt8(ascii: "/")) ? ProgramStep.absolute(program, from: scope.ruleFolder) : program
        return try step.plan(.program(path, arguments: arguments), in: scope)
    }

    /// A value must not pose as an option of the program: nothing that begins with one may begin with `-`.
    private static func requireNoOption(
        _ text: String,
        from template: Template,
        behind arguments: [String],
        _ templates: [Template]
    ) throws(StepFailure) {
        // By bytes: a combining mark behind the '-' makes another character of it, but not for the program.
        guard case .value? = template.segments.first, text.utf8.first == UInt8(ascii: "-"),
            !templates.prefix(arguments.count).contains(where: { $0.literal == "--" })
        else { return }
        throw .final(
            "'\(template.source)' became an argument that begins with '-', which the program would read as an option; "
                + "put a '--' before it"
        )
    }

    package func perform(_ plan: ProgramPlan, in context: ActionContext) async throws(StepFailure) -> JSONObject {
        try await plan.perform(in: context)
    }
}
