package import CountersignCore

/// Runs a program without a shell between.
package struct ExecAction: Action {
    private static let arguments = Field.arguments(
        "argv",
        "The program and its arguments; each element is one argument. A path with a '/' is relative to the rule file.",
        isRequired: true
    )

    /// The declaration of `exec`; the examples in it are checked and dry-run by tests.
    package static let declaration = ActionDeclaration(
        name: "exec",
        summary:
            "Runs a program without a shell; the event is passed as environment variables and, as JSON, on standard input.",
        mainField: "argv",
        fields: [arguments.declaration] + ProgramStep.fields,
        outputs: ProgramStep.outputs,
        leavesFiles: true,
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

    /// The action of one step, from options that were checked against `declaration`.
    package init(options: Options) {
        templates = options.required(Self.arguments)
        step = ProgramStep(options: options)
    }

    /// Fills in the arguments; a path with a `/` is resolved against the folder of the rule file.
    ///
    /// - Throws: `StepFailure` where a value would become an option of the program.
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

    /// Runs the program.
    ///
    /// - Throws: `StepFailure` where it cannot be started, or ends with an exit status other than 0.
    package func perform(_ plan: ProgramPlan, in context: ActionContext) async throws(StepFailure) -> JSONObject {
        try await plan.perform(in: context)
    }
}
