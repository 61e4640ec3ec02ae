import CountersignCore
import CountersignEngine
import CountersignOperations
import CountersignStore
import Foundation

/// What rules with state keep open, and what is paused.
extension Doctor {
    /// How late something due may be without a warning, in seconds.
    private static let tolerance: TimeInterval = 60

    /// How many queues are looked at, those that wait longest coming first.
    private static let mostQueues = 1_000

    /// Looks for what is late, stuck and paused; without a store there is nothing to look at.
    func pending() async -> [Finding] {
        guard settings.driver.exists else { return [] }
        do {
            return try await environment.opening(settings) { archive in
                let now = environment.clock.now
                let pauses = try await archive.pauses(at: now)
                let counts = try await archive.stateCounts()
                let queues = try await archive.queues(limit: Self.mostQueues)
                return pauses.map { .warning("paused", Self.sentence(on: $0)) }
                    + [Self.finding(on: counts, pauses, at: now)]
                    + queues.compactMap { queue in
                        QueueWatch.reason(queue, at: now).map { .warning("queue", Self.sentence(on: queue, $0)) }
                    }
            }
        } catch {
            // What is wrong with the store is among the findings on it.
            return []
        }
    }

    private static func sentence(on pause: Pause) -> String {
        let command = ([pause.subject.kind.rawValue] + [pause.subject.name].compactMap(\.self)).joined(separator: " ")
        return
            "\(pause.subject.words) is \(pause.circumstances(\.rfc3339)); 'countersign resume \(command.printable)' ends it"
    }

    private static func sentence(on queue: QueueSummary, _ reason: String) -> String {
        let runs = queue.holders.map { "\($0)" }.joined(separator: ", ")
        let name = "'\(queue.queue.printable)'"
        return switch reason {
        case "failed":
            "\(name): run \(runs) failed and keeps its key, \(queue.waiting) wait behind it: retry or discard it"
        case "held":
            "\(name): run \(runs) has held its key since \(queue.heldSince?.rfc3339 ?? "long ago"), \(queue.waiting) wait behind it"
        default: "\(name): \(queue.waiting) runs wait"
        }
    }

    private static func finding(on counts: [StateCount], _ pauses: [Pause], at now: Date) -> Finding {
        let total = counts.reduce(0) { $0 + $1.count }
        let active = counts.filter { pauses.pause(ofRule: $0.ruleID) == nil }
        let first = active.filter { $0.firstDue != nil }.min { ($0.firstDue ?? now) < ($1.firstDue ?? now) }
        guard let first, let due = first.firstDue, now.timeIntervalSince(due) > tolerance else {
            return .fine("pending", "\(counted(total, "state")) of rules, none is late")
        }
        return .warning(
            "pending",
            "a \(first.kind.rawValue) of rule '\(first.ruleID)' has been due since \(due.rfc3339): what is due is decided by a running "
                + "server; see 'countersign pending list'"
        )
    }
}
