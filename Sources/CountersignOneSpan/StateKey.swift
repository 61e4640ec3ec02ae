/// What the callback and the poll of one state of a package have in common.
enum StateKey {
    /// The event that the vendor sends when a package comes into a state, by the vendor's word for the state.
    static let events = [
        "SENT": "PACKAGE_ACTIVATE", "COMPLETED": "PACKAGE_COMPLETE", "DECLINED": "PACKAGE_DECLINE",
        "OPTED_OUT": "PACKAGE_OPT_OUT", "EXPIRED": "PACKAGE_EXPIRE", "ARCHIVED": "PACKAGE_ARCHIVE",
    ]

    private static let recoverable = Set(events.values).union(["PACKAGE_TRASH"])

    /// Nil for an event that no poll finds.
    static func bytes(of event: String, package: String) -> [UInt8]? {
        recoverable.contains(event) ? Array("state \(event) \(package)".utf8) : nil
    }
}
