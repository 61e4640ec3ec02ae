import CountersignCore
import CountersignOperations
import CountersignStore
import Foundation

/// The list of what is pending, with what was searched for, and what is paused.
struct PendingView {
    struct Tab {
        let href: String
        let label: String
        let isCurrent: Bool
    }

    struct Choice {
        let value: String
        let label: String
    }

    let kinds: [Tab]
    let kind: String?
    let rule: String
    let package: String
    let rules: [String]
    let rows: [PendingRowView]
    let hasRows: Bool
    let hasMore: Bool
    let pauses: [PauseView]
    let hasPauses: Bool
    let subjects = [
        Choice(value: "everything", label: "everything"), Choice(value: "rule", label: "a rule"),
        Choice(value: "destination", label: "a destination"),
    ]
    let problem: String?

    init(_ fields: FormFields, _ list: PendingList, pauses paused: PauseList, rules: [String], problem: String?) {
        let chosen = fields["kind"].flatMap { PendingKind(rawValue: $0) }
        let kept = ["rule", "package"].map { ($0, fields[$0]) }
        kinds = ([nil] + PendingKind.allCases.map { $0 })
            .map { kind in
                Tab(
                    href: Address.query("/pending", [("kind", kind?.rawValue)] + kept),
                    label: kind?.rawValue ?? "all that waits",
                    isCurrent: kind == chosen
                )
            }
        kind = chosen?.rawValue
        rule = fields["rule"] ?? ""
        package = fields["package"] ?? ""
        self.rules = rules
        rows = list.items.map { PendingRowView($0, at: list.at) }
        hasRows = !rows.isEmpty
        hasMore = list.hasMore
        pauses = paused.pauses.map { PauseView($0) } + paused.resumptions.map { PauseView($0) }
        hasPauses = !pauses.isEmpty
        self.problem = problem
    }
}

/// Something pending as a line of a table.
struct PendingRowView {
    let id: String
    let href: String
    let kind: String
    let rule: String
    let ruleHref: String?
    let key: String
    let event: Int64?
    let package: String?
    let packageHref: String?
    let opened: String?
    let openedIso: String?
    let age: String
    let due: String?
    let dueIso: String?
    let isLate: Bool
    let isPaused: Bool
    let reason: String

    init(_ item: PendingItem, at now: Date) {
        id = item.id.printable
        href = Address.pending(item.id)
        kind = item.kind.rawValue
        rule = item.owner.printable
        ruleHref = item.ruleID.map(Address.rule)
        key = item.key.printable
        event = item.eventID?.rawValue
        package = item.packageID?.printable
        packageHref = item.packageID.map(Address.package)
        opened = item.openedAt?.shown
        openedIso = item.openedAt?.rfc3339
        age = item.openedAt.map { max(0, now.timeIntervalSince($0)).shownSeconds } ?? ""
        due = item.dueAt?.shown
        dueIso = item.dueAt?.rfc3339
        isPaused = item.pause != nil
        isLate = item.pause == nil && item.dueAt.map { now.timeIntervalSince($0) > 60 } ?? false
        reason = item.reason.printable
    }
}

/// Something that is paused.
struct PauseView {
    let subject: String

    /// The kind and the name, as the form that resumes it has them.
    let kind: String
    let name: String?
    let href: String?
    let circumstances: String

    init(_ pause: Pause) {
        subject = pause.subject.words
        kind = pause.subject.kind.rawValue
        name = pause.subject.name
        href = if case .rule(let id) = pause.subject { Address.rule(id) } else { nil }
        circumstances = pause.circumstances(\.shown)
    }

    /// Something that is being resumed, which can be resumed at once.
    init(_ resumption: PacedResumption) {
        subject = resumption.subject.words
        kind = resumption.subject.kind.rawValue
        name = resumption.subject.name
        href = if case .rule(let id) = resumption.subject { Address.rule(id) } else { nil }
        circumstances = resumption.circumstances(\.shown)
    }

    /// The pause in one line.
    static func line(_ pause: Pause) -> String {
        let subject = pause.subject.words
        return "\(subject.prefix(1).uppercased())\(subject.dropFirst()) is \(pause.circumstances(\.shown))."
    }
}

/// One thing that is pending, with what was decided so far.
struct PendingDetailsView {
    struct Member {
        let run: Int64
        let event: Int64
        let iso: String
        let time: String
        let isHolder: Bool
    }

    let row: PendingRowView
    let eventName: String?
    let openedLabel: String
    let heldSince: String?
    let pause: String?
    let gathered: [Int64]
    let hasGathered: Bool
    let gatheredNote: String?
    let members: [Member]
    let hasMembers: Bool
    let decided: [String]
    let hasDecided: Bool
    let canCancel: Bool
    let cancelNote: String
    let cancelLabel: String
    let canRunNow: Bool
    let runNowNote: String

    /// How many gathered events a page links to.
    private static let mostGathered = 200

    init(_ details: PendingDetails) {
        let item = details.item
        row = PendingRowView(item, at: details.at)
        eventName = details.eventName?.printable
        openedLabel = item.kind == .queue ? "Waiting since" : "Opened"
        heldSince = item.queue?.heldSince
            .map {
                "\($0.shown), for \(max(0, details.at.timeIntervalSince($0)).shownSeconds)"
            }
        pause = item.pause.map { "\($0.subject.words), \($0.circumstances(\.shown))" }
        gathered = details.gathered.prefix(Self.mostGathered).map(\.rawValue)
        hasGathered = !gathered.isEmpty
        gatheredNote =
            details.gathered.count > Self.mostGathered ? "and \(details.gathered.count - Self.mostGathered) more" : nil
        members = details.members.map { member in
            Member(
                run: member.run.rawValue,
                event: member.eventID.rawValue,
                iso: member.happenedAt.rfc3339,
                time: member.happenedAt.shown,
                isHolder: member.isHolder
            )
        }
        hasMembers = !members.isEmpty
        decided = DecisionTrail.trails(of: details.decisions).map { $0.words(DecisionText(time: \.shown)) }
        hasDecided = !decided.isEmpty
        canCancel = item.kind != .queue
        canRunNow = item.dueAt != nil
        let isSchedule = item.kind == .schedule
        cancelLabel = isSchedule ? "skip the next occurrence" : "cancel \(item.kind.rawValue) \(item.id)"
        cancelNote =
            isSchedule
            ? "The next occurrence does not happen; the one after it does."
            : item.dueAt == nil
                ? "What was counted is forgotten, and the rule begins to count anew."
                : "Nothing runs. The explanation of the event shows that it was cancelled by hand."
        runNowNote =
            (isSchedule
                ? "The rule occurs now, and then as planned."
                : item.kind == .timer ? "Its 'unless' is still asked before the rule runs." : "The rule runs now.")
            + (item.pause == nil ? "" : " It is paused, so this happens once it is resumed.")
    }
}
