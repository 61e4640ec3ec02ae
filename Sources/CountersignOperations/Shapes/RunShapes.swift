package import CountersignCore
package import CountersignStore
package import Foundation

extension Schema {
    /// The state of a run: one of the values of `Run.State`.
    package static let state = Schema.choice(Run.State.allCases.map(\.rawValue))
}

/// The documents about runs.
extension Run {
    /// A run by itself; `due_at` is null unless the run is queued.
    package static let shape = Shape<Run>(
        "Run",
        [
            .always("id", .id) { JSON($0.id.rawValue) },
            .always("event", .id) { JSON($0.eventID.rawValue) },
            .always("rule", .string) { .string($0.ruleID) },
            .always("state", .state) { .string($0.state.rawValue) },
            .time("due_at") { $0.state == .queued ? $0.dueAt.rfc3339 : nil },
            .always("retries", .count) { JSON($0.retries) },
            .always("created_at", .dateTime) { .string($0.createdAt.rfc3339) },
            .time("finished_at") { $0.finishedAt?.rfc3339 },
            .always("rule_set", .string) { .string($0.ruleSet.rawValue) },
            .optional("waiting_for", .string) { $0.wait.map { .string($0.destination) } },
            .optional("wait_reason", .string) { $0.wait.map { .string($0.reason) } },
        ]
    )

    /// The run without its attempts, as the API and `--json` show it within other documents.
    package var json: JSON { Self.shape.json(self) }

    /// What a queued run waits for, in words, its times written by `time`.
    ///
    /// - Returns: nil when it only waits for a worker, or is not queued.
    package func waiting(_ time: (Date) -> String) -> String? {
        guard state == .queued else { return nil }
        if let wait { return "waiting for \(wait.destination)" }
        return waitsForNextTry ? "due \(time(dueAt))" : nil
    }
}

extension RunRow {
    /// A run of a list: a member that is added here is in the API, in its description and in `--json`.
    package static let shape = Shape<RunRow>(
        "ListedRun",
        Run.shape.members { $0.run } + [
            .always("event_name", .string) { .string($0.eventName) },
            .text("package") { $0.package },
            .text("reason") { $0.reason },
        ]
    )

    /// The run as the API and `--json` list it.
    package var json: JSON { Self.shape.json(self) }

    /// The row of a run that is known whole.
    package init(_ found: ClaimedRun) {
        self.init(found.run, for: found.event, records: found.records, damage: found.damage)
    }
}

extension StepRecord {
    /// One attempt at a step, with its plan and its output.
    package static let shape = Shape<StepRecord>(
        "Step",
        [
            .text("step") { $0.stepID },
            .always("attempt", .count) { JSON($0.attempt) },
            .always("status", .choice(Status.allCases.map(\.rawValue))) { .string($0.status.rawValue) },
            .always("final", .boolean) { .bool($0.isFinal) },
            .text("reason") { $0.reason },
            .always("plan", .any) { $0.plan ?? .null },
            .always("output", .any) { $0.output ?? .null },
            .always("started_at", .dateTime) { .string($0.startedAt.rfc3339) },
            .always("finished_at", .dateTime) { .string($0.finishedAt.rfc3339) },
        ]
    )

    /// The attempt as the API and `--json` show it.
    package var json: JSON { Self.shape.json(self) }

    /// How long the attempt took.
    package var took: String {
        Duration.milliseconds(Int64((finishedAt.timeIntervalSince(startedAt) * 1_000).rounded())).text
    }
}

/// A run with all its attempts, and the trace of its event where it is shown by itself.
package struct RunDetails: Sendable {
    /// The run itself.
    package let run: Run

    /// The attempts, in the order in which they were made.
    package let records: [StepRecord]

    /// The trace of its event; nil where the run is a part of another document.
    package let trace: TraceID?

    /// A run with its attempts; without a trace where it is a part of another document.
    package init(run: Run, records: [StepRecord], trace: TraceID? = nil) {
        self.run = run
        self.records = records
        self.trace = trace
    }

    /// The document of one run: the members of the run, its attempts and its trace.
    package static let shape = Shape<RunDetails>(
        "RunWithSteps",
        Run.shape.members { $0.run } + [
            .always("steps", .array(.named("Step"))) { .array($0.records.map(\.json)) },
            .optional("trace_id", .string) { $0.trace.map { .string($0.description) } },
        ]
    )

    /// The run as the API and `--json` show it.
    package var json: JSON { Self.shape.json(self) }
}
