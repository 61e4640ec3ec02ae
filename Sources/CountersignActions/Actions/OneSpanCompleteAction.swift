package import CountersignCore
import CountersignOutbound

/// Completes a package that its sender had to review.
package struct OneSpanCompleteAction: Action {
    /// The declaration of `onespan.complete`; the examples in it are checked and dry-run by tests.
    package static let declaration = ActionDeclaration(
        name: "onespan.complete",
        summary:
            "Completes a package whose signers have all signed, and which waits for a review (PACKAGE_READY_FOR_COMPLETE).",
        fields: [PackageTarget.field.declaration],
        outputs: StatusPlan.outputs,
        notes: [
            "A package that is completed or archived is left as it is, so another attempt changes nothing. If signatures are missing, OneSpan Sign refuses, and the step fails with its message."
        ],
        examples: [.init("Complete the package of the event.", yaml: "onespan.complete: {}")]
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
        StatusPlan(packageID: try PackageTarget.id(options, in: scope), status: "COMPLETED")
    }

    /// Completes the package.
    ///
    /// - Throws: `StepFailure` where there is no such package, or OneSpan Sign refuses.
    package func perform(_ plan: StatusPlan, in context: ActionContext) async throws(StepFailure) -> JSONObject {
        try await plan.perform(orIfAlready: ["ARCHIVED"], in: context)
    }
}
