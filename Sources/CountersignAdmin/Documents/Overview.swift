import CountersignEngine
import CountersignModel
import CountersignRules
import CountersignStore
import Foundation

/// The overall status at a glance.
struct Overview: Sendable {
    /// What came and was done in an hour.
    struct Hour: Sendable {
        let start: Date
        let events: Int
        let runs: Int
        let failed: Int
    }

    /// How long something took.
    struct Latency: Sendable {
        let count: Int
        let median: Double?
        let high: Double?
    }

    let now: Date
    let vitals: Vitals

    /// The last 24 hours, the one that is under way at the end.
    let hours: [Hour]
    let backlog: Backlog

    /// Runs that failed for good and need attention.
    let deadLetters: Int
    let running: Int
    let lastEvent: StoredEvent?
    let acknowledgement: Latency
    let runTime: Latency
    let rules: RuleBook.Status
}

extension AdminService {
    /// How everything stands now.
    func overview() async throws -> Overview {
        let now = clock.now
        let hour = (now.timeIntervalSince1970 / 3_600).rounded(.down)
        let start = Date(timeIntervalSince1970: (hour - 23) * 3_600)
        let arrivals = try await store.arrivals(since: start)
        let activity = Dictionary(grouping: try await store.activity(since: start), by: \.hour)
        let vitals = try await commands.vitals()
        let hours = (Int(hour) - 23...Int(hour))
            .map { hour in
                let runs = activity[hour] ?? []
                return Overview.Hour(
                    start: Date(timeIntervalSince1970: Double(hour) * 3_600),
                    events: arrivals[hour] ?? 0,
                    runs: runs.reduce(0) { $0 + $1.count },
                    failed: runs.reduce(0) { $0 + ($1.state == .failed ? $1.count : 0) }
                )
            }
        return Overview(
            now: now,
            vitals: vitals,
            hours: hours,
            backlog: try await store.backlog(at: now),
            deadLetters: try await store.runCount(ofRule: nil, in: .failed),
            running: try await store.runCount(ofRule: nil, in: .running),
            lastEvent: try await store.events(EventQuery(limit: 1)).first,
            acknowledgement: vitals.acknowledgements.latency,
            runTime: Overview.Latency(try await store.runTimes(limit: 1_000).map(\.timeInterval)),
            rules: book.status
        )
    }
}

extension Overview.Latency {
    init(_ seconds: [Double]) {
        let sorted = seconds.sorted()
        func quantile(_ share: Double) -> Double? {
            sorted.isEmpty ? nil : sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
        }
        self.init(count: sorted.count, median: quantile(0.5), high: quantile(0.99))
    }
}

extension HistogramCell.Snapshot {
    var latency: Overview.Latency {
        Overview.Latency(count: counts.reduce(0, +), median: quantile(0.5), high: quantile(0.99))
    }

    /// The value below which a share of all lie, as Prometheus' `histogram_quantile` reckons it; nil without any.
    package func quantile(_ share: Double) -> Double? {
        let all = counts.reduce(0, +)
        guard all > 0 else { return nil }
        let rank = share * Double(all)
        var below = 0.0
        var lower = 0.0
        for (count, bound) in zip(counts, bounds) {
            if count > 0, below + Double(count) >= rank {
                return lower + (bound - lower) * (rank - below) / Double(count)
            }
            below += Double(count)
            lower = bound
        }
        return lower
    }
}

extension Overview {
    /// The overview as the API gives it.
    var json: JSON {
        [
            "time": .string(now.rfc3339), "version": .string(vitals.version),
            "started_at": .string(vitals.startedAt.rfc3339), "hours": .array(hours.map(\.json)),
            "backlog": backlogJSON, "dead_letters": JSON(deadLetters), "running": JSON(running),
            "last_event": lastEvent?.json ?? .null, "acknowledgement": acknowledgement.json,
            "run_time": runTime.json, "rules": rules.json,
            "poll": vitals.poll
                .map { poll in
                    ["finished_at": .string(poll.finishedAt.rfc3339), "recovered": JSON(poll.recovered)]
                } ?? .null,
            "open_circuits": .array(
                vitals.openCircuits.sorted { $0.key < $1.key }
                    .map { ["destination": .string($0.key), "until": .string($0.value.rfc3339)] }
            ),
            "refuses_writes": .bool(vitals.refusesWrites),
            "unregistered_events": .array(vitals.unregisteredEvents.map { .string($0) }),
        ]
    }

    private var backlogJSON: JSON {
        [
            "events": JSON(backlog.events), "runs": JSON(backlog.runs), "due_runs": JSON(backlog.dueRuns),
            "oldest_event": JSON(backlog.oldestEvent?.rfc3339), "oldest_due": JSON(backlog.oldestDue?.rfc3339),
            "age_seconds": JSON(seconds: backlog.age(at: now).timeInterval),
        ]
    }
}

extension Overview.Hour {
    fileprivate var json: JSON {
        [
            "hour": .string(start.rfc3339), "events": JSON(events), "runs": JSON(runs), "failed": JSON(failed),
        ]
    }
}

extension Overview.Latency {
    fileprivate var json: JSON {
        [
            "count": JSON(count), "p50_seconds": median.map { JSON(seconds: $0) } ?? .null,
            "p99_seconds": high.map { JSON(seconds: $0) } ?? .null,
        ]
    }
}

extension RuleBook.Status {
    fileprivate var json: JSON {
        [
            "version": JSON(version?.rawValue), "count": JSON(count), "in_force_since": JSON(since?.rfc3339),
            "refused_at": JSON(refusal?.at.rfc3339), "findings": .array((refusal?.findings ?? []).map { .string($0) }),
        ]
    }
}
