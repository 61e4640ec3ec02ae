package import CountersignCore
package import CountersignEngine
import CountersignRules
package import CountersignStore
package import Foundation

/// How long something took.
package struct Latency: Sendable {
    /// How many durations were measured.
    package let count: Int

    /// The median in seconds; nil without any.
    package let median: Double?

    /// The 99th percentile in seconds; nil without any.
    package let high: Double?

    /// A summary of `count` durations; the quantiles are in seconds.
    package init(count: Int, median: Double?, high: Double?) {
        self.count = count
        self.median = median
        self.high = high
    }
}

/// The overall status at a glance.
package struct Overview: Sendable {
    /// What came and was done in an hour.
    package struct Hour: Sendable {
        /// The beginning of the hour, in UTC.
        package let start: Date

        /// How many events were stored in it.
        package let events: Int

        /// How many runs were created in it.
        package let runs: Int

        /// How many of these runs are in the state `failed` now.
        package let failed: Int
    }

    /// When the overview was made.
    package let now: Date

    /// The health of the server.
    package let vitals: Vitals

    /// The last 24 hours; the last one is the current one.
    package let hours: [Hour]

    /// The events and runs that are not finished.
    package let backlog: Backlog

    /// Runs that failed for good and need attention.
    package let deadLetters: Int

    /// How many runs are in the state `running`.
    package let running: Int

    /// The event that was stored last; nil where the store has none.
    package let lastEvent: StoredEvent?

    /// How long callbacks took to be on disk, since the server started.
    package let acknowledgement: Latency

    /// How long the latest 1,000 runs that succeeded took, from the storing of the event to the end of the run.
    package let runTime: Latency

    /// The active rules, and whether newer ones were refused.
    package let rules: RuleBook.Status

    /// What is paused, the oldest pause first.
    package let pauses: [Pause]
}

extension Operations {
    /// The overall status now.
    package func overview() async throws -> Overview {
        let now = clock.now
        let hour = (now.timeIntervalSince1970 / 3_600).rounded(.down)
        let start = Date(timeIntervalSince1970: (hour - 23) * 3_600)
        let arrivals = try await store.arrivals(since: start)
        let activity = Dictionary(grouping: try await store.activity(since: start), by: \.hour)
        let vitals = try await host.vitals()
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
            acknowledgement: vitals.acknowledgements,
            runTime: Latency(try await store.runTimes(limit: 1_000).map(\.timeInterval)),
            rules: book.status,
            pauses: try await store.pauses(at: now)
        )
    }
}

extension Latency {
    init(_ seconds: [Double]) {
        let sorted = seconds.sorted()
        func quantile(_ share: Double) -> Double? {
            sorted.isEmpty ? nil : sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
        }
        self.init(count: sorted.count, median: quantile(0.5), high: quantile(0.99))
    }
}

extension Overview {
    /// The overview as the API gives it.
    package var json: JSON {
        [
            "time": .string(now.rfc3339), "version": .string(vitals.version),
            "started_at": .string(vitals.startedAt.rfc3339), "hours": .array(hours.map(\.json)),
            "backlog": backlogJSON, "failed_runs": JSON(deadLetters), "running": JSON(running),
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
            "pauses": .array(pauses.map(\.json)), "refuses_writes": .bool(vitals.refusesWrites),
            "unregistered_events": .array(vitals.unregisteredEvents.map { .string($0) }),
        ]
    }

    private var backlogJSON: JSON {
        [
            "events": JSON(backlog.events), "runs": JSON(backlog.runs), "due_runs": JSON(backlog.dueRuns),
            "oldest_event": JSON(backlog.oldestEvent?.rfc3339), "oldest_due": JSON(backlog.oldestDue?.rfc3339),
            "age": JSON(durationInSeconds: backlog.age(at: now).timeInterval),
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

extension Latency {
    fileprivate var json: JSON {
        [
            "count": JSON(count), "p50": median.map { JSON(durationInSeconds: $0) } ?? .null,
            "p99": high.map { JSON(durationInSeconds: $0) } ?? .null,
        ]
    }
}

extension RuleBook.Status {
    fileprivate var json: JSON {
        [
            "version": JSON(version?.rawValue), "count": JSON(count), "active_since": JSON(since?.rfc3339),
            "refused_at": JSON(refusal?.at.rfc3339), "findings": .array((refusal?.findings ?? []).map { .string($0) }),
        ]
    }
}
