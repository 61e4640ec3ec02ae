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

    func collect() async {
        let statistics = store.statistics
        set(MetricCatalogue.commits, statistics.commits)
        set(MetricCatalogue.operations, statistics.operations)
        set(MetricCatalogue.waitingWrites, statistics.waiting)
        set(MetricCatalogue.breakers, lanes.downCount)
        // A store that cannot be read leaves the numbers as they were; '/ready' tells of it.
        if let counts = try? await store.runCounts() {
            for state in Run.State.allCases {
                Meter(label: MetricCatalogue.runs.name, dimensions: [("state", state.rawValue)])
                    .set(counts[state] ?? 0)
            }
        }
        if let polls = try? await store.pollState() {
            if let finishedAt = polls.finishedAt {
                set(MetricCatalogue.lastPoll, Int(finishedAt.timeIntervalSince1970))
            }
            set(MetricCatalogue.recovered, polls.recovered)
        }
        collectProcess()
    }

    private func set(_ metric: MetricDeclaration, _ value: Int) {
        Meter(label: metric.name).set(value)
    }

    /// What Linux tells of the process in /proc (proc(5)).
    private func collectProcess() {
        if let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8),
            let pages = text.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
        {
            set(MetricCatalogue.residentMemory, pages * Int(sysconf(Int32(_SC_PAGESIZE))))
        }
        if let files = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd") {
            set(MetricCatalogue.openFiles, files.count)
        }
        set(MetricCatalogue.processStart, Int(Self.start.timeIntervalSince1970))
    }

    /// When the program began to count, which is when it started.
    private static let start = Date()
}
