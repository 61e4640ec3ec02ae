import CountersignCore
import CountersignEngine
import CountersignOneSpan
import CountersignRules
import CountersignStore
import Foundation
import Metrics

/// Looks up the numbers that nobody counts, when somebody asks for them.
struct MetricsCollector: Sendable {
    let store: any OwnedStore
    let spool: Spool?
    let limiter: DestinationLimiter
    let book: RuleBook
    private let accounts: [String]
    private let process = ProcessFigures()
    private let destinations = BoundedLabels(limit: 50)

    init(store: any OwnedStore, spool: Spool?, limiter: DestinationLimiter, book: RuleBook, accounts: [String]) {
        self.store = store
        self.spool = spool
        self.limiter = limiter
        self.book = book
        self.accounts = accounts
        Self.beginAtZero(accounts)
    }

    /// Has what is counted exist before it happens: Prometheus sees no increase in a series that is born with 1.
    private static func beginAtZero(_ accounts: [String]) {
        for result in ["installed", "refused"] {
            _ = Counter(label: MetricCatalogue.reloads.name, dimensions: [("result", result)])
        }
        for (account, result) in accounts.flatMap({ account in ["finished", "failed"].map { (account, $0) } }) {
            let labels = MetricDeclaration.labels([("result", result)], of: account)
            _ = Counter(label: MetricCatalogue.polls.name, dimensions: labels)
        }
    }

    private func collectRules() {
        let status = book.status
        MetricCatalogue.rulesRefused.set(status.refusal == nil ? 0 : 1)
        MetricCatalogue.rulesDiffer.set(status.differs ? 1 : 0)
        MetricCatalogue.rulesUnusable.set(status.unusable == nil ? 0 : 1)
    }

    func collect(at now: Date = Date()) async {
        let statistics = store.statistics
        MetricCatalogue.commits.set(statistics.commits)
        MetricCatalogue.operations.set(statistics.operations)
        MetricCatalogue.waitingWrites.set(statistics.waiting)
        Self.collect(spool, at: now)
        collectBreakers()
        collectRules()
        beginRulesAtZero()
        // A store that cannot be read leaves the numbers as they were; '/ready' tells of it.
        if let counts = try? await store.runCounts() {
            for state in Run.State.allCases {
                Meter(label: MetricCatalogue.runs.name, dimensions: [("state", state.rawValue)])
                    .set(counts[state] ?? 0)
            }
        }
        if let backlog = try? await store.backlog(at: now) { tell(backlog, at: now) }
        try? await collectPending(at: now)
        for account in accounts {
            guard let polls = try? await store.pollState(of: account) else { continue }
            if let finishedAt = polls.finishedAt {
                MetricCatalogue.lastPoll.set(Int(finishedAt.timeIntervalSince1970), of: account)
            }
            MetricCatalogue.recovered.set(polls.recovered, of: account)
        }
        process.collect()
    }

    /// Has the counters of the active rules exist; of more than are distinguished nobody knows which ones will be.
    private func beginRulesAtZero() {
        let rules: [Rule] = book.current?.ruleSet.rules ?? []
        guard rules.count <= RunMetrics.mostRules else { return }
        for rule in rules {
            for result in [Run.State.succeeded, .failed] {
                let labels = [("rule", rule.id), ("result", result.rawValue)]
                _ = Counter(label: MetricCatalogue.endedRuns.name, dimensions: labels)
            }
            for action in Set((rule.steps + rule.onFailure + rule.always).map(\.action)) {
                for result in [StepRecord.Status.succeeded, .failed] {
                    let labels = [("rule", rule.id), ("action", action), ("result", result.rawValue)]
                    _ = Counter(label: MetricCatalogue.steps.name, dimensions: labels)
                }
            }
        }
    }

    private func tell(_ backlog: Backlog, at now: Date) {
        func age(_ date: Date?) -> Double { date.map { max(0, now.timeIntervalSince($0)) } ?? 0 }
        MetricCatalogue.waitingEvents.set(backlog.events)
        MetricCatalogue.waitingEventAge.set(age(backlog.oldestEvent))
        MetricCatalogue.queuedRuns.set(backlog.runs)
        MetricCatalogue.dueRuns.set(backlog.dueRuns)
        MetricCatalogue.dueRunAge.set(age(backlog.oldestDue))
    }

    /// Without a spool, there are no numbers of it.
    static func collect(_ spool: Spool?, at now: Date) {
        guard let status = spool?.status else { return }
        MetricCatalogue.spoolEvents.set(status.events)
        MetricCatalogue.spoolBytes.set(status.used.count)
        MetricCatalogue.spoolAge.set(status.oldest.map { max(0, now.timeIntervalSince($0)) } ?? 0)
        MetricCatalogue.spoolFrames.set(status.frames)
        MetricCatalogue.spoolRefusals.set(status.refused)
    }

    private func collectBreakers() {
        MetricCatalogue.openCircuits.set(limiter.downCount)
        let open = Set(limiter.open.keys.map { destinations.label(for: $0) })
        for destination in destinations.all.union(open) {
            Meter(label: MetricCatalogue.circuitOpen.name, dimensions: [("destination", destination)])
                .set(open.contains(destination) ? 1 : 0)
        }
    }
}

extension MetricDeclaration {
    /// Tells a number that has been looked up; of an account, where accounts have names.
    func set(_ value: Int, of account: String = "") {
        Meter(label: name, dimensions: Self.labels([], of: account)).set(value)
    }

    /// Tells a number that has been looked up.
    func set(_ value: Double) { Meter(label: name).set(value) }
}
