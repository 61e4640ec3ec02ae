package import CountersignCore
import CountersignOutbound

/// Has OneSpan Sign mail a signer once more.
package struct OneSpanRemindAction: Action {
    private static let role = Field.template("role", in: .text, "The id of the signer's role.", isRequired: true)

    /// The declaration of `onespan.remind`; the examples in it are checked and dry-run by tests.
    package static let declaration = ActionDeclaration(
        name: "onespan.remind",
        summary: "Makes OneSpan Sign send the signer of a role another notification.",
        mainField: "role",
        fields: [role.declaration, PackageTarget.field.declaration],
        examples: [.init("Remind the first signer.", yaml: "onespan.remind: Signer1")]
    )

    private let options: Options

    /// The action of one step, from options that were checked against `declaration`.
    package init(options: Options) {
        self.options = options
    }

    /// Fills in package and role.
    ///
    /// - Throws: `StepFailure` where one of them is missing.
    package func plan(in scope: Scope) async throws(StepFailure) -> RolePlan {
        try RolePlan(options.required(Self.role), options, in: scope)
    }

    /// Has OneSpan Sign send the notification; a retry may send it twice.
    package func perform(_ plan: RolePlan, in context: ActionContext) async throws(StepFailure) -> JSONObject {
        try await context.services.vendor().remind(role: plan.role, of: plan.packageID)
        return [:]
    }
}
