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
        fileprivate let at: Date
        fileprivate let order: Int
    }

    let id: String
    let name: String?
    let count: String
    let moments: [Moment]

    /// Where all events are listed; nil where they are all here.
    let allHref: String?

    init(_ timeline: PackageTimeline) {
        id = timeline.packageID.printable
        name = timeline.events.last { $0.event.package != nil }?.event.package?["name"]?.string?.printable
        count =
            timeline.hasEarlier
            ? "more than \(timeline.events.count); only the newest are shown" : "\(timeline.events.count)"
        allHref = timeline.hasEarlier ? Address.query("/events", [("package", timeline.packageID)]) : nil
        let events = timeline.events.map { Moment(event: $0) }
        let runs = timeline.runs.flatMap { Self.moments(of: $0.run, $0.records) }
        moments = (events + runs).sorted { ($0.at, $0.order) < ($1.at, $1.order) }
    }

    private static func moments(of run: Run, _ records: [StepRecord]) -> [Moment] {
        let steps = records.map { record in
            let step = record.stepID ?? "the run"
            return Moment(
                kind: "step-moment",
                at: record.finishedAt,
                order: 2,
                href: Address.run(run.id.rawValue),
                title: "\(run.ruleID): \(step)" + (record.attempt > 1 ? ", attempt \(record.attempt)" : ""),
                state: record.status.rawValue,
                text: record.reason?.printable
            )
        }
        let end = Moment(
            kind: "run",
            at: run.finishedAt ?? run.createdAt,
            order: run.finishedAt == nil ? 1 : 3,
            href: Address.run(run.id.rawValue),
            title: "Run \(run.id) of \(run.ruleID)",
            state: run.state.rawValue,
            text: nil
        )
        return steps + [end]
    }
}

extension PackageView.Moment {
    fileprivate init(event stored: StoredEvent) {
        let event = stored.event
        self.init(
            kind: "event",
            at: event.receivedAt,
            // What a run led to comes behind its steps.
            order: event.origin == .rule ? 4 : 0,
            href: Address.event(event.id.rawValue),
            title: event.name.printable,
            state: nil,
            text: event.payload["message"]?.plainText.printable
        )
    }

    fileprivate init(
        kind: String,
        at date: Date,
        order: Int,
        href: String,
        title: String,
        state: String?,
        text: String?
    ) {
        self.kind = kind
        isEvent = kind == "event"
        iso = date.rfc3339
        time = date.shown
        self.href = href
        self.title = title
        self.state = state
        self.text = text
        at = date
        self.order = order
    }
}
