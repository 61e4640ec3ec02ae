package import CountersignCore
package import CountersignStore
package import Foundation

extension Schema {
    /// The state of a run: one of the values of `Run.State`.
    package static let state = Schema.choice(Run.State.allCases.map(\.rawValue))
}

/// The documents about runs.
extension Run {
    /// A run by itself; `due_at` is null unless the run is queued or waiting.
    package static let shape = Shape<Run>(
        "Run",
        [
            .always("id", .id) { JSON($0.id.rawValue) },
            .always("event", .id) { JSON($0.eventID.rawValue) },
            .always("rule", .string) { .string($0.ruleID) },
            .optional("part", .string) { $0.part.isEmpty ? nil : .string($0.part) },
            .always("state", .state) { .string($0.state.rawValue) },
            .time("due_at") { $0.state.isClaimable ? $0.dueAt.rfc3339 : nil },
            .always("retries", .count) { JSON($0.retries) },
            .always("created_at", .dateTime) { .string($0.createdAt.rfc3339) },
            .time("finished_at") { $0.finishedAt?.rfc3339 },
            .always("rule_set", .string) { .string($0.ruleSet.rawValue) },
            .optional("waiting_for", .string) { $0.wait.map { .string($0.destination) } },
            .optional("wait_reason", .string) { $0.wait.map { .string($0.reason) } },
            .optional("queue", .string) { $0.place.map { .string($0.queue) } },
            .optional("slot", .count) { $0.place?.slot.map { JSON($0) } },
            .optional("superseded_by", .id) { $0.supersededBy.map { JSON($0.rawValue) } },
            .optional("home", .string) { $0.home.map { .string($0) } },
        ]
    )

    /// The run without its attempts, as the API and `--json` show it within other documents.
    package var json: JSON { Self.shape.json(self) }

    /// What a queued or waiting run waits for, in words, its times written by `time`.
    ///
    /// - Returns: nil when it only waits for a worker, or is neither queued nor waiting.
    package func waiting(_ time: (Date) -> String) -> String? {
        if state == .waiting { return "due \(time(dueAt))" }
        guard state == .queued else { return nil }
        if waitsInQueue { return "waiting for its turn" }
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

extension Run {
    /// Reads what `json` gives; what only the engine needs is not in it.
    ///
    /// - Throws: `OperationError` for anything else.
    package init(json: JSON) throws(OperationError) {
        let document = Document(json, "a run")
        let createdAt = try document.time("created_at")
        let wait = try document.optionalText("waiting_for")
        let reason = try document.optionalText("wait_reason") ?? ""
        let queue = try document.optionalText("queue")
        let slot = try document.optional("slot") { $0.number?.integer }
        let successor = try document.optional("superseded_by") { $0.number?.integer }
        self.init(
            id: Run.ID(rawValue: try document.number("id")),
            eventID: Event.ID(rawValue: try document.number("event")),
            ruleID: try document.text("rule"),
            part: try document.optionalText("part") ?? "",
            place: queue.map {
                QueuePlace(
                    queue: $0,
                    happenedAt: createdAt,
                    limit: 1,
                    holdsOnFailure: false,
                    slot: slot.map { Int($0) }
                )
            },
            supersededBy: successor.map { Run.ID(rawValue: Int64($0)) },
            ruleSet: RuleSetVersion(rawValue: try document.text("rule_set")),
            state: try document.choice("state"),
            dueAt: try document.optionalTime("due_at") ?? createdAt,
            retries: try document.count("retries"),
            wait: wait.map { RunWait(destination: $0, reason: reason) },
            createdAt: createdAt,
            finishedAt: try document.optionalTime("finished_at"),
            home: try document.optionalText("home")
        )
    }
}

extension RunRow {
    /// Reads what `json` gives.
    ///
    /// - Throws: `OperationError` for anything else.
    package init(json: JSON) throws(OperationError) {
        let document = Document(json, "a run")
        self.init(
            try Run(json: json),
            eventName: try document.text("event_name"),
            package: try document.optionalText("package"),
            reason: try document.optionalText("reason")
        )
    }
}

extension StepRecord {
    /// Reads what `json` gives; in which retry the attempt was made is not in it.
    ///
    /// - Throws: `OperationError` for anything else.
    package init(json: JSON) throws(OperationError) {
        let document = Document(json, "a step")
        self.init(
            stepID: try document.optionalText("step"),
            attempt: try document.count("attempt"),
            generation: 0,
            status: try document.choice("status"),
            isFinal: try document.flag("final"),
            plan: document.any("plan"),
            output: document.any("output"),
            reason: try document.optionalText("reason"),
            startedAt: try document.time("started_at"),
            finishedAt: try document.time("finished_at")
        )
    }
}

/// A list of runs, the newest first.
package struct RunPage: Sendable {
    /// The runs of this page.
    package let rows: [RunRow]

    /// Before which number the next page begins; nil where there is none.
    package let next: Run.ID?

    /// A page of at most `limit` runs; a full one may have others behind it.
    package init(_ rows: [RunRow], limit: Int) {
        self.rows = rows
        next = rows.count == limit ? rows.last?.run.id : nil
    }

    private init(rows: [RunRow], next: Run.ID?) {
        self.rows = rows
        self.next = next
    }

    /// A list of runs, and where the next one begins.
    package static let shape = Shape<RunPage>(
        "RunList",
        [
            .always("runs", .array(.named("ListedRun"))) { .array($0.rows.map(\.json)) },
            .always("next", .nullable(.id)) { $0.next.map { JSON($0.rawValue) } ?? .null },
        ]
    )

    /// The list as the API gives it.
    package var json: JSON { Self.shape.json(self) }

    /// Reads what `json` gives.
    ///
    /// - Throws: `OperationError` for anything else.
    package init(json: JSON) throws(OperationError) {
        let document = Document(json, "a list of runs")
        self.init(
            rows: try document.list("runs") { json throws(OperationError) in try RunRow(json: json) },
            next: try document.optional("next") { $0.number?.integer.map { Run.ID(rawValue: Int64($0)) } }
        )
    }
}

/// A run with all its attempts, and the trace of its event where it is shown by itself.
package struct RunDetails: Sendable {
    /// The run as lists show it.
    package let row: RunRow

    /// The attempts, in the order in which they were made.
    package let records: [StepRecord]

    /// The trace of its event; nil where the run is a part of another document.
    package let trace: TraceID?

    /// The run itself.
    package var run: Run { row.run }

    /// A run with its attempts; without a trace where it is a part of another document.
    package init(row: RunRow, records: [StepRecord], trace: TraceID? = nil) {
        self.row = row
        self.records = records
        self.trace = trace
    }

    /// The document of one run: the members of a list, its attempts and its trace.
    package static let shape = Shape<RunDetails>(
        "RunWithSteps",
        RunRow.shape.members { $0.row } + [
            .always("steps", .array(.named("Step"))) { .array($0.records.map(\.json)) },
            .optional("trace_id", .string) { $0.trace.map { .string($0.description) } },
        ]
    )

    /// The run as the API and `--json` show it.
    package var json: JSON { Self.shape.json(self) }

    /// Reads what `json` gives.
    ///
    /// - Throws: `OperationError` for anything else.
    package init(json: JSON) throws(OperationError) {
        let document = Document(json, "a run")
        self.init(
            row: try RunRow(json: json),
            records: try document.list("steps") { json throws(OperationError) in try StepRecord(json: json) },
            trace: try document.optional("trace_id") { $0.string.flatMap { TraceID($0) } }
        )
    }
}
