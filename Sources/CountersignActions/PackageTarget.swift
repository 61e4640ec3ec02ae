package import CountersignCore

/// The package that a step is about: the event's own unless the step names another one.
package enum PackageTarget {
    static let field = Field.template("package", in: .text, "The package's id; defaults to that of the event.")

    /// - Throws: `StepFailure` where there is none.
    static func id(_ options: Options, in scope: Scope) throws(StepFailure) -> String {
        let id: String?
        if let template = options[field] {
            id = try template.text(in: scope, for: .text)
        } else {
            id = scope.event.payload.packageID
        }
        guard let id, !id.isEmpty else { throw .final("the event has no package; set its id as 'package'") }
        return id
    }

    /// The destination of all steps that ask the vendor.
    package static let destination = "OneSpan Sign"

    /// The destination of the steps that ask the vendor about an account: one that is down does not stop the others.
    package static func destination(of account: String) -> String {
        account.isEmpty ? destination : "\(destination) \(account)"
    }
}

/// A deed for the signer of a role, that is about to be done.
package struct RolePlan: ActionPlan {
    let packageID: String
    let role: String

    /// The package and the role, with all values filled in.
    package var json: JSON { ["package": .string(packageID), "role": .string(role)] }

    /// The same for all steps that use the API of OneSpan Sign.
    package var destination: String? { PackageTarget.destination }

    /// - Throws: `StepFailure` where package or role is missing.
    init(_ role: Template, _ options: Options, in scope: Scope) throws(StepFailure) {
        packageID = try PackageTarget.id(options, in: scope)
        self.role = try role.text(in: scope, for: .text)
        guard !self.role.isEmpty else {
            throw .final("'\(role.source)' is empty after substitution, which is not a role")
        }
    }
}
