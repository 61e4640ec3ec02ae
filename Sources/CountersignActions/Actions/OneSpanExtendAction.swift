package import CountersignCore
import CountersignOutbound
import Foundation

/// Gives the signers of a package more time.
package struct OneSpanExtendAction: Action {
    private static let by = Field.duration("by", "The package expires this long from now, such as `14d`.")
    private static let until = Field.template(
        "until",
        in: .text,
        "When it expires: a time such as `2026-12-31T18:00:00Z`, or a day, which ends at midnight UTC."
    )

    /// The declaration of `onespan.extend`; the examples in it are checked and dry-run by tests.
    package static let declaration = ActionDeclaration(
        name: "onespan.extend",
        summary: "Moves the expiry of a package to a later time; an expired package is sent again.",
        mainField: "by",
        fields: [by.declaration, until.declaration, PackageTarget.field.declaration],
        exactlyOneOf: [["by", "until"]],
        outputs: [
            .init("due", "When the package expires; null where it does not."),
            .init("package_status", "Its status after the step."),
            .init("changed", "Whether the step changed the package."),
        ],
        notes: [
            "A package that expires later than that, or not at all, is left as it is. `by` counts from now and not from the old expiry, so another attempt does not add it twice.",
            "An expired package takes two requests: it becomes a draft with the new expiry, then it is sent. If the program stops between them, the next attempt finds a draft. It sends the draft if the event is its PACKAGE_EXPIRE, or if it has the very expiry of `until`; any other draft is not sent.",
            "The two requests follow the vendor's guide; that a package in signing takes a new `due` without becoming a draft is inferred.",
        ],
        examples: [
            .init("Give the signers of an expired package two more weeks.", yaml: "onespan.extend: 14d"),
            .init("Extend to a fixed time.", yaml: "onespan.extend: { until: \"2099-12-31T18:00:00Z\" }"),
        ]
    )

    private let options: Options

    /// The action of one step, from options that were checked against `declaration`.
    package init(options: Options) {
        self.options = options
    }

    /// Fills in the package and the time.
    ///
    /// - Throws: `StepFailure` where the package is missing, or the time is none.
    package func plan(in scope: Scope) async throws(StepFailure) -> ExtensionPlan {
        let id = try PackageTarget.id(options, in: scope)
        guard let template = options[Self.until] else {
            guard let by = options[Self.by], by > .zero else {
                throw .final("'by' is zero; give the time that the signers get, such as '14d'")
            }
            return ExtensionPlan(packageID: id, end: .by(by))
        }
        let text = try template.text(in: scope, for: .text)
        let plan = ExtensionPlan(packageID: id, end: .until(text, source: template.source))
        if !text.isAssumed { _ = try plan.target(at: .distantPast) }
        return plan
    }

    /// Moves the expiry.
    ///
    /// - Throws: `StepFailure` where the package is in a state in which nobody can sign any more, or OneSpan Sign refuses.
    package func perform(_ plan: ExtensionPlan, in context: ActionContext) async throws(StepFailure) -> JSONObject {
        try await plan.perform(in: context)
    }
}
