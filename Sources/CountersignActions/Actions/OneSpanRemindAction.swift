package import CountersignCore
import CountersignOutbound

/// Has OneSpan Sign mail a signer once more.
package struct OneSpanRemindAction: Action {
    private static let role = Field.template("role", in: .text, "The id of the signer's role.", isRequired: true)

    package static let declaration = ActionDeclaration(
        name: "onespan.remind",
        summary: "Makes OneSpan Sign send the signer of a role another notification.",
        mainField: "role",
        fields: [role.declaration, PackageTarget.field.declaration],
        examples: [.init("Remind the first signer.", yaml: "onespan.remind: Signer1")]
    )

    private let options: Options

    package init(options: Options) {
        self.options = options
    }

    package func plan(in scope: Scope) async throws(StepFailure) -> RolePlan {
        try RolePlan(options.required(Self.role), options, in: scope)
    }

    package func perform(_ plan: RolePlan, in context: ActionContext) async throws(StepFailure) -> JSONObject {
        try await context.services.vendor().remind(role: plan.role, of: plan.packageID)
        return [:]
    }
}
