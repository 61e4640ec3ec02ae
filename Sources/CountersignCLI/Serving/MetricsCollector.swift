import CountersignEngine
import CountersignModel
import CountersignOneSpan
import CountersignStore
import Foundation
import Metrics

/// Looks up the numbers that nobody counts, when somebody asks for them.
struct MetricsCollector: Sendable {
    let store: SQLiteStore
    let lanes: Lanes
    private let process = ProcessFigures()
    private let destinations = BoundedLabels(limit: 50)

    init(store: SQLiteStore, lanes: Lanes) {
        self.store = store
        self.lanes = lanes
    }

    func collect(at now: Date = Date()) async {
        let statistics = store.statistics
        MetricCatalogue.commits.set(statistics.commits)
        MetricCatalogue.operations.set(statistics.operations)
        MetricCatalogue.waitingWrites.set(statistics.waiting)
        collectBreakers()
        // A store that cannot be read leaves the numbers as they were; '/ready' tells of it.
        if let counts = try? await store.runCounts() {
            for state in Run.State.allCases {
                Meter(label: MetricCatalogue.runs.name, dimensions: [("state", state.rawValue)])
                    .set(counts[state] ?? 0)
            }
        }
        if let backlog = try? await store.backlog(at: now) { tell(backlog, at: now) }
        if let polls = try? await store.pollState() {
            if let finishedAt = polls.finishedAt {
                MetricCatalogue.lastPoll.set(Int(finishedAt.timeIntervalSince1970))
            }
            MetricCatalogue.recovered.set(polls.recovered)
        }
        process.collect()
    }

    private func tell(_ backlog: Backlog, at now: Date) {
        func age(_ date: Date?) -> Double { date.map { max(0, now.timeIntervalSince($0)) } ?? 0 }
        MetricCatalogue.waitingEvents.set(backlog.events)
        MetricCatalogue.waitingEventAge.set(age(backlog.oldestEvent))
        MetricCatalogue.queuedRuns.set(backlog.runs)
        MetricCatalogue.dueRuns.set(backlog.dueRuns)
        MetricCatalogue.dueRunAge.set(age(backlog.oldestDue))
    }

    private func collectBreakers() {
        MetricCatalogue.breakers.set(lanes.downCount)
        let open = Set(lanes.open.keys.map { destinations.label(for: $0) })
        for destination in destinations.all.union(open) {
            Meter(label: MetricCatalogue.breaker.name, dimensions: [("destination", destination)])
                .set(open.contains(destination) ? 1 : 0)
        }
    }
}

extension MetricDeclaration {
    /// Tells a number that has been looked up.
    func set(_ value: Int) { Meter(label: name).set(value) }

    /// Tells a number that has been looked up.
    func set(_ value: Double) { Meter(label: name).set(value) }
}
