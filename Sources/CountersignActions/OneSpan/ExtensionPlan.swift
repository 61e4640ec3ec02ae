package import CountersignCore
import CountersignOutbound
import Foundation

/// An expiry that is about to be moved.
package struct ExtensionPlan: ActionPlan {
    /// Where to.
    enum End {
        /// This long from now.
        case by(Duration)
        /// This time, with the rule's own text.
        case until(String, source: String)
    }

    let packageID: String
    let end: End

    /// The package and its new expiry.
    package var json: JSON {
        switch end {
        case .by(let duration): ["package": .string(packageID), "by": .string(duration.text)]
        case .until(let text, _): ["package": .string(packageID), "until": .string(text)]
        }
    }

    /// The same for all steps that use the API of OneSpan Sign.
    package var destination: String? { PackageTarget.destination }

    /// The new expiry, in whole seconds.
    ///
    /// - Throws: `StepFailure` where it is no time, or has passed at `now`.
    func target(at now: Date) throws(StepFailure) -> Date {
        switch end {
        case .by(let duration):
            return Date(
                timeIntervalSince1970: now.addingTimeInterval(duration.timeInterval).timeIntervalSince1970
                    .rounded(.down)
            )
        case .until(let text, let source):
            guard let date = Date(outside: text) ?? Date(rfc3339: text + "T23:59:59Z") else {
                throw .final(
                    "'\(source.cut(to: 200).onOneLine)' is not a time such as '2026-12-31T18:00:00Z', or a day such as '2026-12-31'"
                )
            }
            guard date > now else {
                throw .final("the expiry \(date.rfc3339) is in the past, so the package would expire at once")
            }
            return Date(timeIntervalSince1970: date.timeIntervalSince1970.rounded(.down))
        }
    }

    func perform(in context: ActionContext) async throws(StepFailure) -> JSONObject {
        let target = try target(at: context.now)
        let vendor = try context.services.vendor()
        let package = try await vendor.current(packageID, in: context)
        let status = package["status"]?.string ?? ""
        let due = package["due"]?.string.flatMap { Date(outside: $0) }
        switch status {
        case "EXPIRED":
            try await vendor.change(packageID, ["status": "DRAFT", "due": .string(target.rfc3339)])
            try await vendor.change(packageID, ["status": "SENT"])
            return Self.outputs(due: target, "SENT", isChanged: true)
        case "SENT", "DRAFT":
            let isLater = due.map { $0 < target } ?? false
            if isLater { try await vendor.change(packageID, ["due": .string(target.rfc3339)]) }
            let isHalfSent = status == "DRAFT" && isLeftByEarlierAttempt(due: due, target, in: context)
            if isHalfSent { try await vendor.change(packageID, ["status": "SENT"]) }
            return Self.outputs(
                due: isLater ? target : due,
                isHalfSent ? "SENT" : status,
                isChanged: isLater || isHalfSent
            )
        default:
            throw .final(
                "the package is \(status.isEmpty ? "in an unknown state" : status.cut(to: 50).printable), and only one that "
                    + "is SENT, DRAFT or EXPIRED has an expiry that can be moved"
            )
        }
    }

    /// Whether a draft is what an attempt left that was stopped between its two requests.
    private func isLeftByEarlierAttempt(due: Date?, _ target: Date, in context: ActionContext) -> Bool {
        guard let due, due > context.now else { return false }
        let event = context.event
        let isExpiry = event.name == "PACKAGE_EXPIRE" && event.payload.packageID == packageID
        if case .until = end { return isExpiry || due == target }
        return isExpiry
    }

    private static func outputs(due: Date?, _ status: String, isChanged: Bool) -> JSONObject {
        ["due": JSON(due?.rfc3339), "package_status": .string(status), "changed": .bool(isChanged)]
    }
}
