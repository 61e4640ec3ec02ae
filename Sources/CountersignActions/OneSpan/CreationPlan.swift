package import CountersignCore
import CountersignOutbound
import Foundation

/// A package that is about to be created.
package struct CreationPlan: ActionPlan {
    /// The field of a package's data by which the package of a step is found again.
    static let mark = "countersign"

    /// By how much the vendor's clock may be behind: what an attempt made is looked for from that long before the event.
    private static let clockDifference: TimeInterval = 300

    let template: String

    /// The fields of the package, but its data.
    let content: JSONObject
    let data: JSONObject
    let isSent: Bool

    /// The template and the package, in the vendor's words.
    package var json: JSON {
        var package = content
        if !data.members.isEmpty { package["data"] = .object(data) }
        return ["template": .string(template), "package": .object(package), "send": .bool(isSent)]
    }

    /// The same for all steps that use the API of OneSpan Sign.
    package var destination: String? { PackageTarget.destination }

    func perform(in context: ActionContext) async throws(StepFailure) -> JSONObject {
        let vendor = try context.services.vendor()
        let earlier = try await earlierPackage(in: context, vendor)
        var status = earlier?["status"]?.string ?? "DRAFT"
        let id: String
        if let earlier {
            guard let known = earlier["id"]?.string else {
                throw StepFailure("OneSpan Sign lists a package without an id")
            }
            id = known
        } else {
            id = try await create(in: context, vendor)
        }
        if isSent, status == "DRAFT" {
            try await vendor.change(id, ["status": "SENT"])
            status = "SENT"
        }
        return ["id": .string(id), "package_status": .string(status), "created": .bool(earlier == nil)]
    }

    /// What an earlier attempt created.
    private func earlierPackage(
        in context: ActionContext,
        _ vendor: any PackageServing
    ) async throws(StepFailure) -> JSON? {
        let key = JSON.string(context.idempotencyKey)
        return try await vendor.firstPackage(
            in: ["DRAFT", "SENT"],
            since: context.event.receivedAt.addingTimeInterval(-Self.clockDifference)
        ) { $0["data"]?[Self.mark] == key && $0["trashed"]?.bool != true }
    }

    private func create(in context: ActionContext, _ vendor: any PackageServing) async throws(StepFailure) -> String {
        var package = content
        var data = data
        data[Self.mark] = .string(context.idempotencyKey)
        package["data"] = .object(data)
        package["status"] = "DRAFT"
        let path = ["api", "packages", template, "clone"]
        let created = try await vendor.answer(to: VendorRequest("POST", path, json: .object(package))).json()
        guard let id = created["id"]?.string else {
            throw StepFailure("OneSpan Sign answered the request for a new package without its id")
        }
        return id
    }
}
