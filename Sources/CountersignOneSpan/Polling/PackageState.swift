import CountersignCore
import Foundation

/// A state that a package is in, or was in, with the event that the vendor sends for it.
///
/// The vendor documents no such mapping; it is inferred from the meanings of both.
struct PackageState {
    let event: String

    /// When the package came into it, as far as the package tells.
    let date: Date?

    /// The reason that a signer gave.
    var message: String?

    /// The states that a package has told by now, the earliest first, as far as they fall into the time since `began`.
    ///
    /// A package that was made since then and is done was sent before, and one that is archived was completed.
    static func all(of package: JSON, since began: Date) -> [PackageState] {
        func date(_ key: String) -> Date? { package[key]?.string.flatMap { Date(outside: $0) } }
        guard let status = package["status"]?.string else { return [] }
        var states: [PackageState] = []
        let isOver = ["COMPLETED", "DECLINED", "OPTED_OUT", "EXPIRED", "ARCHIVED"].contains(status)
        if status == "SENT" || isOver && date("created").map({ $0 >= began }) ?? false {
            states.append(PackageState(event: "PACKAGE_ACTIVATE", date: status == "SENT" ? date("updated") : nil))
        }
        if status == "COMPLETED" || status == "ARCHIVED",
            date("completed").map({ $0 >= began }) ?? (status == "COMPLETED")
        {
            states.append(PackageState(event: "PACKAGE_COMPLETE", date: date("completed") ?? date("updated")))
        }
        if !["SENT", "COMPLETED"].contains(status), let event = StateKey.events[status] {
            let hasReason = status == "DECLINED" || status == "OPTED_OUT"
            let reason = hasReason ? package["messages"]?.array?.first?["content"]?.string : nil
            states.append(PackageState(event: event, date: date("updated"), message: reason))
        }
        if package["trashed"]?.bool == true {
            states.append(PackageState(event: "PACKAGE_TRASH", date: date("updated")))
        }
        return states
    }

    /// The state as an event of the package; without a date of its own, it was made before `now`.
    func delivery(of package: String) -> Delivery {
        let payload: JSON = [
            "@class": "com.silanis.esl.packages.event.ESLProcessEvent", "name": .string(event), "sessionUser": .null,
            "packageId": .string(package), "message": JSON(message), "documentId": .null,
            "createdDate": JSON(date?.rfc3339),
        ]
        let key = StateKey.bytes(of: event, package: package)
        return Delivery(
            name: event,
            payload: payload,
            body: payload.bytes,
            origin: .poll,
            deduplicationKey: key,
            stateKey: key
        )
    }
}
