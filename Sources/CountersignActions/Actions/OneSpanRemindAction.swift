package import CountersignCore
import CountersignOutbound

/// Has OneSpan Sign mail signers once more.
package struct OneSpanRemindAction: Action {
    private static let role = Field.template(
        "role",
        in: .text,
        "The id of the signer's role; without it, all signers who have not signed yet are reminded."
    )

    /// The declaration of `onespan.remind`; the examples in it are checked and dry-run by tests.
    package static let declaration = ActionDeclaration(
        name: "onespan.remind",
        summary: "Makes OneSpan Sign send a signer, or all who have not signed yet, another notification.",
        mainField: "role",
        fields: [role.declaration, PackageTarget.field.declaration],
        outputs: [
            .init("roles", "The ids of the roles that were reminded; none where all have signed."),
            .init("count", "How many they are."),
        ],
        notes: ["Another attempt sends the notifications again: after a crash, a signer may get two."],
        examples: [
            .init("Remind the first signer.", yaml: "onespan.remind: Signer1"),
            .init("Remind all who have not signed.", yaml: "onespan.remind: {}"),
        ]
    )

    private let options: Options

    /// The action of one step, from options that were checked against `declaration`.
    package init(options: Options) {
        self.options = options
    }

    /// Fills in package and role.
    ///
    /// - Throws: `StepFailure` where the package is missing, or a role that is named is empty.
    package func plan(in scope: Scope) async throws(StepFailure) -> ReminderPlan {
        guard let role = options[Self.role] else {
            return ReminderPlan(packageID: try PackageTarget.id(options, in: scope), role: nil)
        }
        let plan = try RolePlan(role, options, in: scope)
        return ReminderPlan(packageID: plan.packageID, role: plan.role)
    }

    /// Has OneSpan Sign send the notifications; a retry may send one twice.
    package func perform(_ plan: ReminderPlan, in context: ActionContext) async throws(StepFailure) -> JSONObject {
        let vendor = try context.services.vendor()
        let roles: [String]
        if let role = plan.role {
            roles = [role]
        } else {
            roles = try await Self.pendingRoles(of: plan.packageID, asOf: context, vendor)
        }
        for role in roles { try await vendor.remind(role: role, of: plan.packageID) }
        return ["roles": .array(roles.map { .string($0) }), "count": JSON(roles.count)]
    }

    /// The roles of a package in signing whose signers have not signed.
    private static func pendingRoles(
        of packageID: String,
        asOf context: ActionContext,
        _ vendor: any PackageServing
    ) async throws(StepFailure) -> [String] {
        let package = try await vendor.current(packageID, in: context)
        // In any other state there is nobody who could sign.
        guard package["status"]?.string == "SENT" else { return [] }
        var pending: [String] = []
        for role in package["roles"]?.array ?? [] {
            guard let id = role["id"]?.string, let signer = role["signers"]?.array?.first?["id"]?.string else {
                continue
            }
            if try await vendor.isSigningPending(of: signer, in: packageID) { pending.append(id) }
        }
        return pending
    }
}

/// A reminder that is about to be sent.
package struct ReminderPlan: ActionPlan {
    let packageID: String

    /// The role to remind; nil for all who have not signed.
    let role: String?

    /// The package and whom to remind.
    package var json: JSON {
        ["package": .string(packageID), "role": role.map { .string($0) } ?? "all who have not signed"]
    }

    /// The same for all steps that use the API of OneSpan Sign.
    package var destination: String? { PackageTarget.destination }
}
