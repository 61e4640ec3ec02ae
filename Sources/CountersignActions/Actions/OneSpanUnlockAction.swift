package import CountersignCore
import CountersignOutbound

/// Lets a signer in again who was locked out.
package struct OneSpanUnlockAction: Action {
    private static let role = Field.template("role", in: .text, "The id of the signer's role.", isRequired: true)

    /// The declaration of `onespan.unlock`; the examples in it are checked and dry-run by tests.
    package static let declaration = ActionDeclaration(
        name: "onespan.unlock",
        summary: "Unlocks the signer of a role who was locked out after too many failed authentication attempts.",
        mainField: "role",
        fields: [role.declaration, PackageTarget.field.declaration],
        examples: [.init("Unlock the first signer.", yaml: "onespan.unlock: Signer1")]
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

    /// Has OneSpan Sign unlock the signer of the role.
    package func perform(_ plan: RolePlan, in context: ActionContext) async throws(StepFailure) -> JSONObject {
        try await context.services.vendor().unlock(role: plan.role, of: plan.packageID)
        return [:]
    }
}
