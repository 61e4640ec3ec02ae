package import CountersignCore
import CountersignOutbound
import Foundation

/// What the named actions read and change.
extension PackageServing {
    /// The package as it is now.
    ///
    /// - Throws: `StepFailure` where the vendor knows none of this id.
    func current(_ id: String, in context: ActionContext) async throws(StepFailure) -> JSON {
        guard let package = try await package(id, asOf: context.now) else {
            throw .final("OneSpan Sign has no package '\(id.cut(to: 100).printable)'")
        }
        return package
    }

    /// Sets fields of a package; the others stay as they are.
    ///
    /// - Throws: `StepFailure` in the vendor's words where it refuses.
    func change(_ id: String, _ content: JSON) async throws(StepFailure) {
        let request = try VendorRequest("PUT", ["api", "packages", id], json: content)
        if let failure = try await answer(to: request).failure { throw failure }
    }
}

/// A package that is about to get another status.
package struct StatusPlan: ActionPlan {
    let packageID: String

    /// The vendor's word for the status.
    let status: String

    /// The package and its new status.
    package var json: JSON { ["package": .string(packageID), "status": .string(status)] }

    /// The same for all steps that use the API of OneSpan Sign.
    package var destination: String? { PackageTarget.destination }

    /// Sets the status unless the package has it, or one that only comes after it.
    func perform(orIfAlready later: Set<String> = [], in context: ActionContext) async throws(StepFailure) -> JSONObject
    {
        let vendor = try context.services.vendor()
        let current = try await vendor.current(packageID, in: context)["status"]?.string ?? ""
        guard current != status, !later.contains(current) else {
            return ["package_status": .string(current), "changed": false]
        }
        try await vendor.change(packageID, ["status": .string(status)])
        return ["package_status": .string(status), "changed": true]
    }

    /// The outputs of the actions that set a status.
    static let outputs: [ActionDeclaration.Output] = [
        .init("package_status", "The status of the package after the step."),
        .init("changed", "Whether the step changed it; false where an earlier attempt or somebody else had."),
    ]
}

extension String {
    /// Whether a dry run put the name of a value where it cannot know the value.
    var isAssumed: Bool { contains("‹") }
}
