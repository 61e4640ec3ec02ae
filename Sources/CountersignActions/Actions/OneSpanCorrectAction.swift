package import CountersignCore
import CountersignOutbound

/// Corrects the address of a signer and has the invitation sent again.
package struct OneSpanCorrectAction: Action {
    private static let role = Field.template(
        "role",
        in: .text,
        "The id of the signer's role; `${signer.role}` is that of the signer whom the event names.",
        isRequired: true
    )
    private static let email = Field.template(
        "email",
        in: .mailAddress,
        "The signer's address, without a name.",
        isRequired: true
    )
    private static let firstName = Field.template("first_name", in: .text, "The first name; left as it is by default.")
    private static let lastName = Field.template("last_name", in: .text, "The last name; left as it is by default.")

    /// The declaration of `onespan.correct`; the examples in it are checked and dry-run by tests.
    package static let declaration = ActionDeclaration(
        name: "onespan.correct",
        summary:
            "Corrects the email address of a signer, such as one that bounced, and sends the invitation to the new one.",
        fields: [
            role.declaration, email.declaration, firstName.declaration, lastName.declaration,
            PackageTarget.field.declaration,
        ],
        outputs: [
            .init("email", "The signer's address after the step."),
            .init("changed", "Whether the step changed the signer; false where an earlier attempt had."),
        ],
        notes: [
            "The role is read, changed and written back, so its other fields stay. Another attempt does not write a role that is correct already, but sends the invitation again: after a crash, the signer may get it twice.",
            "That the role of a package in signing can be changed without making it a draft is inferred; if your account refuses it, the step fails with the vendor's message.",
        ],
        examples: [
            .init(
                "Try the signer's other address after a bounce.",
                yaml: """
                    onespan.correct: { role: "${signer.role}", email: "${package.data.second_email}" }
                    """
            )
        ]
    )

    private let options: Options

    /// The action of one step, from options that were checked against `declaration`.
    package init(options: Options) {
        self.options = options
    }

    /// Fills in package, role, address and names.
    ///
    /// - Throws: `StepFailure` where package or role is missing, or the address is none.
    package func plan(in scope: Scope) async throws(StepFailure) -> CorrectionPlan {
        let target = try RolePlan(options.required(Self.role), options, in: scope)
        let template = options.required(Self.email)
        let email = try template.text(in: scope, for: .mailAddress)
        let address = email.isAssumed ? email : try MailAddress(email, source: template.source).address
        return CorrectionPlan(
            target: target,
            fields: [
                ("email", address), ("firstName", try text(Self.firstName, in: scope)),
                ("lastName", try text(Self.lastName, in: scope)),
            ]
            .compactMap { name, value in value.map { (name, $0) } }
        )
    }

    private func text(_ field: Field<Template>, in scope: Scope) throws(StepFailure) -> String? {
        guard let template = options[field] else { return nil }
        let text = try template.text(in: scope, for: .text)
        guard !text.isEmpty else {
            throw .final("'\(template.source.cut(to: 200).onOneLine)' is empty after substitution, which is not a name")
        }
        return text
    }

    /// Corrects the signer and sends the invitation.
    ///
    /// - Throws: `StepFailure` where there is no such role, or OneSpan Sign refuses.
    package func perform(_ plan: CorrectionPlan, in context: ActionContext) async throws(StepFailure) -> JSONObject {
        let vendor = try context.services.vendor()
        let isChanged = try await plan.correct(over: vendor)
        try await vendor.remind(role: plan.target.role, of: plan.target.packageID)
        return ["email": .string(plan.fields[0].value), "changed": .bool(isChanged)]
    }
}

/// A signer who is about to be corrected.
package struct CorrectionPlan: ActionPlan {
    let target: RolePlan

    /// The fields of the signer that change, in the vendor's words; the first one is the address.
    let fields: [(name: String, value: String)]

    /// The package, the role and what changes.
    package var json: JSON {
        var object: JSONObject = ["package": .string(target.packageID), "role": .string(target.role)]
        for field in fields { object[field.name] = .string(field.value) }
        return .object(object)
    }

    /// The same for all steps that use the API of OneSpan Sign.
    package var destination: String? { PackageTarget.destination }

    /// Writes the role back with its first signer corrected; false where it is correct.
    func correct(over vendor: any PackageServing) async throws(StepFailure) -> Bool {
        let path = ["api", "packages", target.packageID, "roles", target.role]
        let role = try await vendor.answer(to: VendorRequest("GET", path)).json()
        guard case .object(var changed) = role, case .array(var signers)? = changed["signers"],
            case .object(var signer)? = signers.first
        else {
            throw .final(
                "the role '\(target.role.cut(to: 100).printable)' has no signer, such as one of a group or a placeholder"
            )
        }
        guard fields.contains(where: { signer[$0.name]?.string != $0.value }) else { return false }
        for field in fields { signer[field.name] = .string(field.value) }
        signers[0] = .object(signer)
        changed["signers"] = .array(signers)
        _ = try await vendor.answer(to: VendorRequest("PUT", path, json: .object(changed))).json()
        return true
    }
}
