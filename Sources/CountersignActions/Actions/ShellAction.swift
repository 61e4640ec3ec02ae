package import CountersignCore

/// Runs a script with `/bin/sh -eu`.
///
/// The script is the same for every event; values come as variables, so that nothing in them is ever read as code.
package struct ShellAction: Action {
    private static let script = Field.shellScript(
        "run",
        "The script; values are passed as environment variables such as \"$COUNTERSIGN_MESSAGE\", never as `${…}`.",
        isRequired: true
    )

    /// The declaration of `shell`; the examples in it are checked and dry-run by tests.
    package static let declaration = ActionDeclaration(
        name: "shell",
        summary:
            "Runs a script with /bin/sh -eu; the event is passed as environment variables and, as JSON, on standard input.",
        mainField: "run",
        fields: [script.declaration] + ProgramStep.fields,
        outputs: ProgramStep.outputs,
        leavesFiles: true,
        examples: [
            .init(
                "Append a line about an opt-out to a file in the output folder.",
                yaml: """
                    shell: |
                      printf 'opt-out on %s: %s\\n' "$COUNTERSIGN_PACKAGE_ID" "$COUNTERSIGN_MESSAGE" >> alerts.log
                    """
            ),
            .init(
                "Count the bytes of the event and return the result as JSON.",
                yaml: """
                    shell:
                      run: printf '{"bytes":%d}' "$(wc -c)"
                      output: json
                      env: { LABEL: "${event.name}" }
                    """
            ),
        ]
    )

    private let text: String
    private let step: ProgramStep

    /// The action of one step, from options that were checked against `declaration`.
    package init(options: Options) {
        text = options.required(Self.script)
        step = ProgramStep(options: options)
    }

    /// Takes the script as it is written; the values of the event become environment variables.
    ///
    /// - Throws: `StepFailure` where the script uses a variable that cannot hold its value.
    package func plan(in scope: Scope) async throws(StepFailure) -> ProgramPlan {
        try step.plan(.script(text), in: scope)
    }

    /// Runs the script.
    ///
    /// - Throws: `StepFailure` where it ends with an exit status other than 0.
    package func perform(_ plan: ProgramPlan, in context: ActionContext) async throws(StepFailure) -> JSONObject {
        try await plan.perform(in: context)
    }
}
