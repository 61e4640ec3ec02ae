import CountersignCore
import CountersignEngine
import CountersignOperations
import CountersignStore
import Foundation

/// The list of runs, with what was searched for.
struct RunsView {
    struct Tab {
        let href: String
        let label: String
        let isCurrent: Bool
    }

    let states: [Tab]
    let state: String?
    let rule: String
    let event: String
    let package: String
    let since: String
    let until: String
    let rules: [String]
    let runs: [RunRowView]
    let hasRuns: Bool
    let next: String?
    let problem: String?

    init(_ fields: FormFields, _ runs: [RunRow], limit: Int, rules: [String], problem: String?) {
        let chosen = fields["state"].flatMap { Run.State(rawValue: $0) }?.rawValue
        let kept = ["rule", "event_id", "package", "since", "until"].map { ($0, fields[$0]) }
        states = ([nil] + Run.State.allCases.map { $0.rawValue })
            .map { state in
                Tab(
                    href: Address.query("/runs", [("state", state)] + kept),
                    label: state ?? "all",
                    isCurrent: state == chosen
                )
            }
        state = chosen
        rule = fields["rule"] ?? ""
        event = fields["event_id"] ?? ""
        package = fields["package"] ?? ""
        since = fields["since"] ?? ""
        until = fields["until"] ?? ""
        self.rules = rules
        self.runs = runs.prefix(limit).map { RunRowView($0) }
        hasRuns = !runs.isEmpty
        next =
            runs.count > limit
            ? Address.query("/runs", [("state", chosen)] + kept + [("before", runs[limit - 1].run.id.description)])
            : nil
        self.problem = problem
    }
}

/// One run with all attempts of all steps.
struct RunView {
    struct Attempt {
        let step: String
        let attempt: Int
        let status: String
        let iso: String
        let time: String
        let took: String
        let reason: String?
        let plan: String?
        let output: String?
        var isOpen = false
    }

    struct StepView {
        let id: String
        let status: String?
        let attempts: [Attempt]
    }

    let number: Int64
    let state: String
    let stateNote: String?
    let rule: String
    let ruleHref: String
    let ruleSet: String
    let event: Int64
    let eventName: String
    let package: String?
    let packageHref: String?
    let iso: String
    let time: String
    let finished: String?
    let retries: Int?

    /// The `trace.id` of the log.
    let trace: String
    let canRetry: Bool
    let canDiscard: Bool

    /// The steps with which it can begin again.
    let choices: [String]
    let hasChoices: Bool

    /// The step at which it stopped.
    let stoppedAt: String?
    let steps: [StepView]

    /// Whether the active rules have its rule, too, and are not those that it was made by.
    let hasNewerRules: Bool

    /// - Parameters:
    ///   - details: The run with its attempts.
    ///   - resumption: Where it can go on; nil where the rule set can no longer be read.
    ///   - hasNewerRules: Whether the active rules have its rule, too, and are others.
    init(_ details: RunDetails, _ resumption: Resumption?, hasNewerRules: Bool) {
        self.hasNewerRules = hasNewerRules
        let (run, row, chain) = (details.run, details.row, resumption?.chain ?? [])
        number = run.id.rawValue
        state = run.state.rawValue
        stateNote =
            run.wait.map { "for \($0.destination.printable): \($0.reason.printable)" }
            ?? run.place.flatMap { run.waitsInQueue ? "for its turn in the queue \($0.queue.printable)" : nil }
            ?? (run.state == .waiting ? "until \(run.dueAt.shown)" : nil)
            ?? run.supersededBy.map { "as run \($0) took its place" }
            ?? (run.waitsForNextTry
                ? "until \(run.dueAt.shown)"
                    + (row.reason.map { ", since the last attempt failed: \($0.printable)" } ?? "")
                : nil)
        rule = run.ruleID
        ruleHref = Address.rule(run.ruleID)
        ruleSet = run.ruleSet.short
        event = run.eventID.rawValue
        eventName = row.eventName.printable
        package = row.package?.printable
        packageHref = row.package.map(Address.package)
        iso = run.createdAt.rfc3339
        time = run.createdAt.shown
        finished = run.finishedAt?.shown
        retries = run.retries > 0 ? run.retries : nil
        trace = details.trace?.description ?? ""
        canRetry = run.state == .failed
        canDiscard = [.failed, .queued, .waiting].contains(run.state)
        choices = resumption?.choices ?? []
        hasChoices = !choices.isEmpty
        stoppedAt = resumption?.stoppedAt
        let records = Dictionary(grouping: details.records, by: \.stepID)
        let others = details.records.map(\.stepID)
            .reduce(into: [String?]()) { ids, id in
                if !chain.contains(where: { $0 == id }), !ids.contains(id) { ids.append(id) }
            }
        steps = (chain + others).map { StepView(id: $0, records[$0] ?? []) }
    }
}

extension RunView.StepView {
    fileprivate init(id: String?, _ records: [StepRecord]) {
        let id = id?.printable ?? "(run)"
        self.id = id
        status = records.last?.status.rawValue
        attempts = records.enumerated()
            .map { index, record in
                RunView.Attempt(
                    step: id,
                    attempt: record.attempt,
                    status: record.status.rawValue,
                    iso: record.startedAt.rfc3339,
                    time: record.startedAt.shown,
                    took: record.took,
                    reason: record.reason?.printable,
                    plan: record.plan?.shown,
                    output: record.output?.shown,
                    isOpen: index == records.count - 1
                )
            }
    }
}
