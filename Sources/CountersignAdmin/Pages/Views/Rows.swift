import CountersignCore
import CountersignOperations
import CountersignStore

/// An event as a line of a table.
struct EventRowView {
    let id: Int64
    let name: String
    let package: String?
    let packageHref: String?
    let iso: String
    let time: String
    let origin: String
    let duplicates: Int?
    let message: String
    let isDamaged: Bool

    init(_ stored: StoredEvent) {
        let event = stored.event
        id = event.id.rawValue
        name = event.name.printable
        package = event.packageKey?.printable
        packageHref = event.packageKey.map(Address.package)
        iso = event.receivedAt.rfc3339
        time = event.receivedAt.shown
        origin = event.origin.rawValue
        duplicates = stored.duplicates > 0 ? stored.duplicates : nil
        let message = stored.damage ?? event.payload["message"]?.plainText ?? ""
        self.message = message.count > 120 ? String(message.prefix(120)).printable + "…" : message.printable
        isDamaged = stored.damage != nil
    }
}

/// A run as a line of a table.
struct RunRowView {
    let id: Int64
    let state: String
    let rule: String
    let ruleHref: String
    let event: Int64
    let iso: String
    let time: String

    /// When it ended, or what it waits for.
    let next: String
    let package: String?
    let packageHref: String?

    /// The beginning of why it failed; its page has all of it.
    let reason: String?

    init(_ row: RunRow) {
        let run = row.run
        package = row.package?.printable
        packageHref = row.package.map(Address.package)
        reason = row.reason.map { $0.count > 160 ? String($0.prefix(160)).printable + "…" : $0.printable }
        id = run.id.rawValue
        state = run.state.rawValue
        rule = run.ruleID
        ruleHref = Address.rule(run.ruleID)
        event = run.eventID.rawValue
        iso = run.createdAt.rfc3339
        time = run.createdAt.shown
        next = run.finishedAt?.shown ?? run.waiting(\.shown)?.printable ?? ""
    }
}
