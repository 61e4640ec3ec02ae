import CountersignCore
import CountersignOperations
import CountersignStore
import Foundation

/// The list of packages.
struct PackagesView {
    struct StateCount {
        let state: String
        let count: Int
    }

    struct Row {
        let id: String
        let href: String
        let name: String?
        let lastEvent: String
        let iso: String
        let time: String
        let events: Int
        let runs: [StateCount]
    }

    let prefix: String
    let event: String
    let since: String
    let until: String
    let names = EventCatalogue.names.sorted()
    let packages: [Row]
    let hasPackages: Bool
    let next: String?

    init(_ fields: FormFields, _ page: PackagePage) {
        prefix = fields["prefix"] ?? ""
        event = fields["event"] ?? ""
        since = fields["since"] ?? ""
        until = fields["until"] ?? ""
        packages = page.packages.map { package in
            Row(
                id: package.id.printable,
                href: Address.package(package.id),
                name: package.name?.printable,
                lastEvent: package.lastEvent.printable,
                iso: package.lastAt.rfc3339,
                time: package.lastAt.shown,
                events: package.events,
                runs: Run.State.allCases.compactMap { state in
                    package.runs[state].map { StateCount(state: state.rawValue, count: $0) }
                }
            )
        }
        hasPackages = !packages.isEmpty
        let kept = ["prefix", "event", "since", "until"].map { ($0, fields[$0]) }
        next = page.next.map { Address.query("/packages", kept + [("after", $0.text)]) }
    }
}

/// All that is known of one package, in the order of time.
struct PackageView {
    struct Moment {
        let kind: String
        let isEvent: Bool
        let iso: String
        let time: String
        let href: String
        let title: String
        var state: String?
        var text: String?
    }

    let id: String
    let name: String?
    let count: String
    let moments: [Moment]

    /// Where all events are listed; nil where they are all here.
    let allHref: String?

    /// What is pending for it.
    let rows: [PendingRowView]
    let hasRows: Bool

    /// A timeline; the age of what is pending is that at `now`.
    init(_ timeline: PackageTimeline, at now: Date) {
        id = timeline.packageID.printable
        name = timeline.events.last { $0.event.package != nil }?.event.package?["name"]?.string?.printable
        count =
            timeline.hasEarlier
            ? "more than \(timeline.events.count); only the newest are shown" : "\(timeline.events.count)"
        allHref = timeline.hasEarlier ? Address.query("/events", [("package", timeline.packageID)]) : nil
        moments = timeline.entries.map { Moment($0) }
        rows = timeline.pending.map { PendingRowView($0, at: now) }
        hasRows = !rows.isEmpty
    }
}

extension PackageView.Moment {
    fileprivate init(_ entry: PackageTimeline.Entry) {
        switch entry {
        case .event(let stored):
            self.init(
                kind: "event",
                at: entry.at,
                href: Address.event(stored.event.id.rawValue),
                title: stored.event.name.printable,
                text: stored.event.payload["message"]?.plainText.printable
            )
        case .run(let run):
            self.init(
                kind: "run",
                at: entry.at,
                href: Address.run(run.id.rawValue),
                title: "Run \(run.id) of \(run.ruleID)",
                state: run.state.rawValue
            )
        case .attempt(let run, let record):
            let attempt = record.attempt > 1 ? ", attempt \(record.attempt)" : ""
            self.init(
                kind: "step-moment",
                at: entry.at,
                href: Address.run(run.id.rawValue),
                title: "\(run.ruleID): \(record.stepID ?? "the run")\(attempt)",
                state: record.status.rawValue,
                text: record.reason?.printable
            )
        }
    }

    fileprivate init(
        kind: String,
        at date: Date,
        href: String,
        title: String,
        state: String? = nil,
        text: String? = nil
    ) {
        self.kind = kind
        isEvent = kind == "event"
        iso = date.rfc3339
        time = date.shown
        self.href = href
        self.title = title
        self.state = state
        self.text = text
    }
}
