import CountersignCore
import CountersignOperations
import CountersignStore
import CountersignTerminal
import Foundation

extension Listing {
    /// What is pending, in the order given.
    static func pending(_ list: PendingList) -> Listing {
        var table = Table([
            .init("ID", yields: 6, minimum: 4), .init("KIND"), .init("RULE", yields: 1, minimum: 12),
            .init("KEY", yields: 3, minimum: 10), .init("EVENT", isNumber: true),
            .init("DUE", style: { $0.hasSuffix("paused") ? .pending : nil }), .init("AGE", isNumber: true),
            .init("REASON", yields: 2, minimum: 16),
        ])
        for item in list.items { table.add(item.cells(at: list.at)) }
        return Listing(
            table: table,
            objects: list.items.map(\.json),
            none: "nothing is pending",
            note: list.hasMore
                ? "There is more; raise --limit, or narrow the list with --rule, --package or --kind." : nil
        )
    }

    /// What is paused, in the order given.
    static func pauses(_ list: PauseList) -> Listing {
        var table = Table([
            .init("SUBJECT"), .init("NAME", yields: 2, minimum: 10), .init("BY", yields: 3, minimum: 8), .time("SINCE"),
            .init("UNTIL"), .init("REASON", yields: 1, minimum: 12),
        ])
        for pause in list.pauses {
            table.add([
                pause.subject.kind.rawValue, pause.subject.name ?? "", pause.by, pause.since.tableTime,
                pause.until?.tableTime ?? "until resumed", (pause.reason ?? "").bounded,
            ])
        }
        for resumption in list.resumptions {
            table.add([
                resumption.subject.kind.rawValue, resumption.subject.name ?? "", "", "", resumption.last.tableTime,
                "\(resumption.reason), \(counted(resumption.runs, "run")) left".bounded,
            ])
        }
        return Listing(
            table: table,
            objects: list.pauses.map(\.json) + list.resumptions.map(\.json),
            none: "nothing is paused"
        )
    }
}

extension PendingItem {
    fileprivate func cells(at now: Date) -> [String] {
        let due = [dueAt?.tableTime, pause == nil ? nil : "paused"].compactMap(\.self).joined(separator: ", ")
        return [
            id, kind.rawValue, owner, key.bounded, eventID.map { "\($0)" } ?? "", due,
            openedAt.map { $0.age(at: now) } ?? "", reason.bounded,
        ]
    }

    /// What it is, in one line.
    var summary: String {
        let about = packageID.map { " of package \($0.showingControls)" } ?? ""
        let due = dueAt.map { ", due \($0.rfc3339)" } ?? ""
        return
            "\(kind.rawValue) \(id.showingControls), \(owner.showingControls)\(about): \(reason.showingControls)\(due)"
    }
}

extension PendingDetails {
    /// What it is, and below it what was decided so far.
    func text(on terminal: Terminal) -> String {
        var lines = ["pending   \(Style.heading.applied(to: item.id.printable, on: terminal))  \(item.kind.rawValue)"]
        func add(_ label: String, _ value: String?) {
            if let value { lines.append(label.padding(toLength: 10, withPad: " ", startingAt: 0) + value) }
        }
        add(item.ruleID == nil ? "group" : "rule", (item.ruleID ?? item.group)?.printable)
        add("key", item.key.printable)
        add("event", item.eventID.map { "\($0)  \((eventName ?? "").printable)" })
        add("package", item.packageID?.printable)
        add(item.queue == nil ? "opened" : "waits", item.openedAt.map { "\($0.rfc3339), \($0.age(at: at)) ago" })
        add("due", item.dueAt.map { "\($0.rfc3339), \($0.distance(from: at))" })
        add("held", item.queue?.heldSince.map { "since \($0.rfc3339), \($0.age(at: at))" })
        add("reason", item.reason.printable)
        add("paused", item.pause.map { "\($0.subject.words), \($0.circumstances(\.rfc3339))" })
        if !gathered.isEmpty { add("gathered", gathered.map { "\($0)" }.joined(separator: ", ")) }
        if !members.isEmpty { lines += ["", table.text(on: terminal)] }
        let trails = DecisionTrail.trails(of: decisions)
        if !trails.isEmpty { lines += [""] + trails.map { "decided   \($0.words(DecisionText()))" } }
        return lines.joined(separator: "\n")
    }

    private var table: Table {
        var table = Table([
            .init("RUN", isNumber: true), .init("EVENT", isNumber: true), .time("HAPPENED"), "STATE",
        ])
        for member in members {
            let state = member.isHolder ? "holds the key" : "waits"
            table.add(["\(member.run)", "\(member.eventID)", member.happenedAt.tableTime, state])
        }
        return table
    }
}

extension Date {
    /// How long ago it is, roughly: `5s`, `12m`, `3h`, `2d`.
    func age(at now: Date) -> String { max(0, now.timeIntervalSince(self)).roughly }

    /// How far away it is, roughly, in words.
    fileprivate func distance(from now: Date) -> String {
        let seconds = timeIntervalSince(now)
        return seconds >= 0 ? "in \(seconds.roughly)" : "\((-seconds).roughly) late"
    }
}

extension Double {
    /// So many seconds in the largest unit of which there are two, or in seconds.
    fileprivate var roughly: String {
        switch self {
        case ..<120: "\(Int(self))s"
        case ..<7_200: "\(Int(self / 60))m"
        case ..<172_800: "\(Int(self / 3_600))h"
        default: "\(Int(self / 86_400))d"
        }
    }
}
