package import CountersignCore
import CountersignOutbound
import Foundation

/// Creates a package from a template.
package struct OneSpanCreateAction: Action {
    private static let template = Field.template(
        "template",
        in: .text,
        "The id of the template, or of a package to copy.",
        isRequired: true
    )
    private static let name = Field.template("name", in: .text, "The name of the new package.", isRequired: true)
    private static let description = Field.template("description", in: .text, "Its description.")
    private static let due = Field.template(
        "due",
        in: .text,
        "When it expires: a time such as `2026-12-31T18:00:00Z`; by default as the template says."
    )
    private static let email = Field.template(
        "email",
        in: .mailAddress,
        "The signer's address, without a name.",
        isRequired: true
    )
    private static let firstName = Field.template("first_name", in: .text, "The signer's first name.", isRequired: true)
    private static let lastName = Field.template("last_name", in: .text, "The signer's last name.", isRequired: true)
    private static let company = Field.template("company", in: .text, "The signer's company.")
    private static let signers = Field.groups(
        "signers",
        [email.declaration, firstName.declaration, lastName.declaration, company.declaration],
        "Who signs, by the id of the role or placeholder in the template."
    )
    private static let data = Field.jsonObject(
        "data",
        reserved: [CreationPlan.mark],
        "The package's data, which rules read as `${package.data.…}`."
    )
    private static let more = Field.jsonObject(
        "json",
        reserved: ["id", "type", "name", "description", "due", "roles", "data", "status"],
        "Further fields of the package, in the vendor's words, such as `settings`."
    )
    private static let send = Field.boolean("send", "Sends the package; otherwise it stays a draft.", default: false)

    /// The declaration of `onespan.create`; the examples in it are checked and dry-run by tests.
    package static let declaration = ActionDeclaration(
        name: "onespan.create",
        summary: "Creates a package from a template.",
        fields: [
            template.declaration, name.declaration, description.declaration, due.declaration, signers.declaration,
            data.declaration, more.declaration, send.declaration,
        ],
        outputs: [
            .init("id", "The id of the new package, for `package` of later steps."),
            .init("package_status", "Its status: DRAFT or SENT."),
            .init("created", "Whether this attempt created it; false where an earlier one had."),
        ],
        notes: [
            "The package is created once for a step and an event, also when the step is retried or the event is replayed: its `data` gets a field `countersign` with a key of the step, and each attempt first looks for that key among the drafts and sent packages updated since the event. A package that was deleted or completed in the meantime is not found, and one that OneSpan Sign lists late may be created a second time.",
            "The request is the vendor's (`POST /api/packages/TEMPLATE/clone`); that it keeps `data`, and that lists show it, is inferred.",
        ],
        examples: [
            .init(
                "Send an amendment once the contract is signed.",
                yaml: """
                    onespan.create:
                      template: 8c3c8e0e-6d0f-4ba5-8b5c-2b1f0a6f5c11
                      name: "Amendment to ${event.packageId}"
                      signers:
                        Signer1: { email: ada@example.com, first_name: Ada, last_name: Example }
                      data: { contract: "${event.packageId}" }
                      send: true
                    """
            )
        ]
    )

    private let options: Options

    /// The action of one step, from options that were checked against `declaration`.
    package init(options: Options) {
        self.options = options
    }

    /// Fills in what the package will be.
    ///
    /// - Throws: `StepFailure` where a value is missing, or is no address or time.
    package func plan(in scope: Scope) async throws(StepFailure) -> CreationPlan {
        var content: JSONObject = ["type": "PACKAGE", "name": .string(try text(Self.name, in: scope) ?? "")]
        content["description"] = (try text(Self.description, in: scope)).map { .string($0) }
        content["due"] = (try dueTime(in: scope)).map { .string($0) }
        var roles: [JSON] = []
        for signer in options.required(Self.signers) { roles.append(try Self.role(signer, in: scope)) }
        if !roles.isEmpty { content["roles"] = .array(roles) }
        for member in try object(Self.more, in: scope).members { content[member.key] = member.value }
        return CreationPlan(
            template: try text(Self.template, in: scope) ?? "",
            content: content,
            data: try object(Self.data, in: scope),
            isSent: options.required(Self.send)
        )
    }

    private func text(_ field: Field<Template>, in scope: Scope) throws(StepFailure) -> String? {
        try Self.text(options[field], field, in: scope)
    }

    private static func text(
        _ template: Template?,
        _ field: Field<Template>,
        in scope: Scope
    ) throws(StepFailure) -> String? {
        guard let template else { return nil }
        let text = try template.text(in: scope, for: .text)
        guard !text.isEmpty else {
            throw .final(
                "'\(field.declaration.key)' is empty after substitution: '\(template.source.cut(to: 200).onOneLine)'"
            )
        }
        return text
    }

    private func dueTime(in scope: Scope) throws(StepFailure) -> String? {
        guard let text = try text(Self.due, in: scope), !text.isAssumed else { return nil }
        guard let date = Date(outside: text) else {
            throw .final("'due' became a text that is not a time such as '2026-12-31T18:00:00Z'")
        }
        return date.rfc3339
    }

    private func object(_ field: Field<JSONTemplate>, in scope: Scope) throws(StepFailure) -> JSONObject {
        guard let template = options[field] else { return [:] }
        return try template.json(in: scope).object ?? [:]
    }

    /// The role of a signer, as the vendor writes it.
    private static func role(
        _ signer: OptionValue.NamedOptions,
        in scope: Scope
    ) throws(StepFailure) -> JSON {
        let options = signer.options
        let template = options.required(email)
        let text = try template.text(in: scope, for: .mailAddress)
        let address = text.isAssumed ? text : try MailAddress(text, source: template.source).address
        var fields: JSONObject = ["email": .string(address)]
        for (key, field) in [("firstName", firstName), ("lastName", lastName), ("company", company)] {
            fields[key] = (try Self.text(options[field], field, in: scope)).map { .string($0) }
        }
        return [
            "id": .string(signer.name), "name": .string(signer.name), "type": "SIGNER", "signers": [.object(fields)],
        ]
    }

    /// Creates the package unless an earlier attempt has.
    ///
    /// - Throws: `StepFailure` where there is no such template, or OneSpan Sign refuses.
    package func perform(_ plan: CreationPlan, in context: ActionContext) async throws(StepFailure) -> JSONObject {
        try await plan.perform(in: context)
    }
}
