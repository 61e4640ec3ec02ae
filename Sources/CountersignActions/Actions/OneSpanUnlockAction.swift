package import CountersignCore
import CountersignOutbound

/// Lets a signer in again who was locked out.
package struct OneSpanUnlockAction: Action {
    private static let role = Field.template("role", in: .text, "The id of the signer's role.", isRequired: true)

    package static let declaration = ActionDeclaration(
        name: "onespan.unlock",
        summary: "Unlocks the signer of a role who was locked out after too many failed authentication attempts.",
        mainField: "role",
        fields: [role.declaration, PackageTarget.field.declaration],
        examples: [.init("Unlock the first signer.", yaml: "onespan.unlock: Signer1")]
    )

    private let options: Options

    package init(options: Options) {
        self.options = options
    }

    package func plan(in scope: Scope) async throws(StepFailure) -> RolePlan {
        try RolePlan(options.required(Self.role), options, in: scope)
    }

    package func perform(_ plan: RolePlan, in context: ActionContext) async throws(StepFailure) -> JSONObject {
        try await context.services.vendor().unlock(role: plan.role, of: plan.packageID)
        return [:]
    }
}
