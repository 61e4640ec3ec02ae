import CountersignCore
import CountersignEngine
import CountersignOperations
import CountersignStore
import Foundation
import Metrics

/// What is pending and paused.
extension MetricsCollector {
    /// How many queues are looked at, those that wait longest coming first.
    private static let mostQueues = 1_000

    /// Tells what rules with state keep open, and what is paused.
    ///
    /// - Throws: `StoreError`; what was told before stays.
    func collectPending(at now: Date) async throws {
        let counts = try await store.stateCounts()
        let queues = try await store.queues(limit: Self.mostQueues)
        let pauses = try await store.pauses(at: now)
        for kind in RuleState.Kind.allCases {
            let ofKind = counts.filter { $0.kind == kind }
            tell(kind.rawValue, ofKind.reduce(0) { $0 + $1.count }, oldest: ofKind.map(\.oldest).min(), at: now)
        }
        let waitingSince = queues.compactMap(\.waitingSince).min()
        tell(PendingKind.queue.rawValue, queues.reduce(0) { $0 + $1.waiting }, oldest: waitingSince, at: now)
        let due = counts.filter { pauses.pause(ofRule: $0.ruleID) == nil }.compactMap(\.firstDue).min()
        MetricCatalogue.pendingLateness.set(due.map { max(0, now.timeIntervalSince($0)) } ?? 0)
        MetricCatalogue.stuckQueues.set(queues.count { QueueWatch.reason($0, at: now) != nil })
        for kind in Pause.Subject.Kind.allCases {
            Meter(label: MetricCatalogue.pauses.name, dimensions: [("subject", kind.rawValue)])
                .set(pauses.count { $0.subject.kind == kind })
        }
    }

    private func tell(_ kind: String, _ count: Int, oldest: Date?, at now: Date) {
        let labels = [("kind", kind)]
        Meter(label: MetricCatalogue.pending.name, dimensions: labels).set(count)
        Meter(label: MetricCatalogue.pendingAge.name, dimensions: labels)
            .set(oldest.map { max(0, now.timeIntervalSince($0)) } ?? 0)
    }
}
