package import CountersignCore
import CountersignOutbound

/// Archives a completed package.
package struct OneSpanArchiveAction: Action {
    /// The declaration of `onespan.archive`; the examples in it are checked and dry-run by tests.
    package static let declaration = ActionDeclaration(
        name: "onespan.archive",
        summary: "Archives a completed package.",
        fields: [PackageTarget.field.declaration],
        outputs: StatusPlan.outputs,
        notes: [
            "A package that is archived is left as it is, so another attempt changes nothing. If it is not completed, OneSpan Sign refuses, and the step fails with its message."
        ],
        examples: [.init("Archive the package of the event.", yaml: "onespan.archive: {}")]
    )

    private let options: Options

    /// The action of one step, from options that were checked against `declaration`.
    package init(options: Options) {
        self.options = options
    }

    /// Fills in the package.
    ///
    /// - Throws: `StepFailure` where it is missing.
    package func plan(in scope: Scope) async throws(StepFailure) -> StatusPlan {
        StatusPlan(packageID: try PackageTarget.id(options, in: scope), status: "ARCHIVED")
    }

    /// Archives the package.
    ///
    /// - Throws: `StepFailure` where there is no such package, or OneSpan Sign refuses.
    package func perform(_ plan: StatusPlan, in context: ActionContext) async throws(StepFailure) -> JSONObject {
        try await plan.perform(in: context)
    }
}
