/// A metric, declared once: whoever counts names it, the exposition and the README explain it.
package struct MetricDeclaration: Sendable {
    /// How the numbers are to be read.
    package enum Kind: String, Sendable {
        case counter
        case gauge
        case histogram
    }

    /// The name by Prometheus' conventions: unit and, for a counter, `_total` at the end.
    package let name: String

    /// The type in Prometheus' sense.
    package let kind: Kind

    /// What it tells, in one sentence.
    package let summary: String

    /// The labels; each has few values, whatever unknownVariables send.
    package let labels: [String]

    /// The upper bounds of a histogram's buckets.
    package let bounds: [Double]

    init(
        _ name: String,
        _ kind: Kind,
        _ summary: String,
        labels: [String] = [],
        bounds: [Double] = Self.ofSteps
    ) {
        self.name = name
        self.kind = kind
        self.summary = summary
        self.labels = labels
        self.bounds = bounds
    }

    /// The labels of a sample; where accounts have names, with the one that it is about.
    package static func labels(_ labels: [(String, String)], of account: String) -> [(String, String)] {
        account.isEmpty ? labels : labels + [("account", account)]
    }

    /// Seconds, from a commit on a fast disk to a step that takes its whole timeout.
    private static let ofSteps = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]

    /// Seconds, from a run that meets no obstacle to one that waits a day for its destination.
    static let ofRuns = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 3_600, 21_600, 86_400]

    /// Numbers of things that are few as a rule.
    static let ofCounts: [Double] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]
}

/// All metrics.
package enum MetricCatalogue {
    /// Callbacks; `result` is `stored`, `duplicate`, `unreadable`, `unverified`, `not_stored` or `wrong_key`.
    package static let deliveries = MetricDeclaration(
        "countersign_deliveries_total",
        .counter,
        "Callbacks by event name (`other` for names that OneSpan Sign is not known to send) and by result; where the settings "
            + "name accounts, also by `account`.",
        labels: ["event", "result"]
    )
    /// The time in which callbacks are stored, recorded for those that are.
    package static let acknowledgements = MetricDeclaration(
        "countersign_acknowledgement_seconds",
        .histogram,
        "Time from the last byte of a callback until its event is on disk."
    )
    /// Transactions, read from the statistics of the store at each scrape.
    package static let commits = MetricDeclaration(
        "countersign_store_commits_total",
        .counter,
        "Transactions committed by the store since the start."
    )
    /// Writes, read from the statistics of the store at each scrape.
    package static let operations = MetricDeclaration(
        "countersign_store_operations_total",
        .counter,
        "Operations in these transactions."
    )
    /// The size of batches: writes that wait at the same time share a transaction.
    package static let batchSize = MetricDeclaration(
        "countersign_store_batch_size",
        .histogram,
        "Operations that shared one transaction, and so one disk sync.",
        bounds: MetricDeclaration.ofCounts
    )
    /// Writes that wait for the disk, read from the statistics of the store at each scrape.
    package static let waitingWrites = MetricDeclaration(
        "countersign_store_waiting",
        .gauge,
        "Operations waiting for the current commit."
    )
    /// What the spool holds.
    package static let spoolEvents = MetricDeclaration(
        "countersign_spool_events",
        .gauge,
        "Callbacks in the spool, which are acknowledged and not in the store yet."
    )
    /// How much of the spool is in use.
    package static let spoolBytes = MetricDeclaration(
        "countersign_spool_bytes",
        .gauge,
        "Bytes of the spool in use."
    )
    /// How long the oldest callback waits in the spool.
    package static let spoolAge = MetricDeclaration(
        "countersign_spool_oldest_seconds",
        .gauge,
        "Age of the oldest callback in the spool; 0 when it is empty."
    )
    /// Writes to the spool.
    package static let spoolFrames = MetricDeclaration(
        "countersign_spool_frames_total",
        .counter,
        "Frames written to the spool since the start, each with one disk sync."
    )
    /// What the spool could not take.
    package static let spoolRefusals = MetricDeclaration(
        "countersign_spool_refused_total",
        .counter,
        "Callbacks that the spool could not take because it was full or its disk failed."
    )
    /// Runs in the store; `state` is a `Run.State`.
    package static let runs = MetricDeclaration(
        "countersign_runs",
        .gauge,
        "Runs in the store by state.",
        labels: ["state"]
    )
    /// The events that no rules were evaluated for yet, read from the store at each scrape.
    package static let waitingEvents = MetricDeclaration(
        "countersign_backlog_events",
        .gauge,
        "Events not evaluated yet."
    )
    /// The age of the oldest event that is not evaluated; 0 where there is none.
    package static let waitingEventAge = MetricDeclaration(
        "countersign_backlog_event_age_seconds",
        .gauge,
        "Age of the oldest of these events."
    )
    /// All queued runs, due or not.
    package static let queuedRuns = MetricDeclaration(
        "countersign_backlog_runs",
        .gauge,
        "Queued runs."
    )
    /// The queued runs whose due time has passed, or that wait for a destination.
    package static let dueRuns = MetricDeclaration(
        "countersign_backlog_due_runs",
        .gauge,
        "Queued runs that are due, including those that wait for a destination that is busy or whose circuit is open."
    )
    /// The delay of the oldest run that is due; 0 where there is none.
    package static let dueRunAge = MetricDeclaration(
        "countersign_backlog_due_run_age_seconds",
        .gauge,
        "How long the oldest of these has been due; for one that waits for a destination, since it was created."
    )
    /// Runs that ended; `result` is a `Run.State`.
    package static let endedRuns = MetricDeclaration(
        "countersign_runs_ended_total",
        .counter,
        "Runs that have ended, by rule (`other` beyond the first 100) and result.",
        labels: ["rule", "result"]
    )
    /// The time from event to end, for runs of all rules together.
    package static let runTime = MetricDeclaration(
        "countersign_run_seconds",
        .histogram,
        "Time from storing an event to the end of its run, by result; includes waits between attempts.",
        labels: ["result"],
        bounds: MetricDeclaration.ofRuns
    )
    /// The attempts that a run needed for all its steps together.
    package static let runAttempts = MetricDeclaration(
        "countersign_run_attempts",
        .histogram,
        "Step attempts per run, by result.",
        labels: ["result"],
        bounds: MetricDeclaration.ofCounts
    )
    /// Attempts at steps; `result` is a `StepRecord.Status`.
    package static let steps = MetricDeclaration(
        "countersign_steps_total",
        .counter,
        "Step attempts by rule (`other` beyond the first 100), action and result.",
        labels: ["rule", "action", "result"]
    )
    /// The duration of attempts, for all rules together.
    package static let stepTime = MetricDeclaration(
        "countersign_step_seconds",
        .histogram,
        "Duration of step attempts, by action.",
        labels: ["action"]
    )
    /// The number of open circuits, without naming the destinations.
    package static let openCircuits = MetricDeclaration(
        "countersign_circuits_open",
        .gauge,
        "Destinations whose circuit is open."
    )
    /// The destinations whose circuit is or was open, each with a label of its own up to a limit.
    package static let circuitOpen = MetricDeclaration(
        "countersign_circuit_open",
        .gauge,
        "1 for a destination whose circuit is open, 0 after it has closed (`other` beyond the first 50 that "
            + "were down).",
        labels: ["destination"]
    )
    /// Reloads of the rules; `result` is `installed` or `refused`.
    package static let reloads = MetricDeclaration(
        "countersign_rule_reloads_total",
        .counter,
        "Rule reloads by result.",
        labels: ["result"]
    )
    /// Whether the rules on disk are not the active ones, since they have errors.
    package static let rulesRefused = MetricDeclaration(
        "countersign_rules_refused",
        .gauge,
        "1 while the rules of the folder are refused and previous ones are active, 0 otherwise."
    )
    /// Whether the folder of this instance holds other rules than the active ones.
    package static let rulesDiffer = MetricDeclaration(
        "countersign_rules_differ",
        .gauge,
        "1 while the folder of this instance holds other rules than the active ones, 0 otherwise."
    )
    /// Whether the active rules need another version of this program.
    package static let rulesUnusable = MetricDeclaration(
        "countersign_rules_unusable",
        .gauge,
        "1 while this program cannot use the active rules, so that it stores events and evaluates none, 0 otherwise."
    )
    /// Polls; `result` is `finished` or `failed`.
    package static let polls = MetricDeclaration(
        "countersign_polls_total",
        .counter,
        "Polls by result.",
        labels: ["result"]
    )
    /// The Unix time of the last poll that finished; not set before the first one.
    package static let lastPoll = MetricDeclaration(
        "countersign_poll_last_finished_timestamp_seconds",
        .gauge,
        "When the last poll finished."
    )
    /// The events that polls have ever recovered, as the store counts them across restarts.
    package static let recovered = MetricDeclaration(
        "countersign_poll_recovered_events",
        .gauge,
        "Events recovered by polls on this store."
    )
    /// Trace spans; `result` is `exported` or `dropped`.
    package static let spans = MetricDeclaration(
        "countersign_spans_total",
        .counter,
        "Trace spans by result: `exported` to the collector, or `dropped`.",
        labels: ["result"]
    )
    /// The fields `utime` and `stime` of /proc/self/stat (proc(5)), under the name that Prometheus' libraries use.
    package static let processorTime = MetricDeclaration(
        "process_cpu_seconds_total",
        .counter,
        "User and system CPU time spent."
    )
    /// The resident pages of /proc/self/statm (proc(5)), in bytes.
    package static let residentMemory = MetricDeclaration(
        "process_resident_memory_bytes",
        .gauge,
        "Resident memory size."
    )
    /// The size in /proc/self/statm (proc(5)), in bytes.
    package static let virtualMemory = MetricDeclaration(
        "process_virtual_memory_bytes",
        .gauge,
        "Virtual memory size."
    )
    /// The number of entries in /proc/self/fd (proc(5)).
    package static let openFiles = MetricDeclaration("process_open_fds", .gauge, "Open file descriptors.")

    /// The soft limit of open files in /proc/self/limits (proc(5)).
    package static let maximumFiles = MetricDeclaration(
        "process_max_fds",
        .gauge,
        "Maximum number of open file descriptors."
    )
    /// The number of entries in /proc/self/task (proc(5)).
    package static let threads = MetricDeclaration("process_threads", .gauge, "Number of threads.")

    /// The Unix time at which the process began to collect metrics, which is when it started.
    package static let processStart = MetricDeclaration(
        "process_start_time_seconds",
        .gauge,
        "Start time of the process since the Unix epoch."
    )

    /// In the order in which they are explained.
    package static let all = [
        deliveries, acknowledgements, commits, operations, batchSize, waitingWrites, spoolEvents, spoolBytes, spoolAge,
        spoolFrames, spoolRefusals, waitingEvents, waitingEventAge,
        queuedRuns, dueRuns, dueRunAge, runs, endedRuns, runTime, runAttempts, steps, stepTime, openCircuits,
        circuitOpen,
        pending, pendingAge, pendingLateness, stuckQueues, pauses, reloads, rulesRefused, rulesDiffer, rulesUnusable,
        polls, lastPoll, recovered, spans, processorTime,
        residentMemory, virtualMemory,
        openFiles, maximumFiles,
        threads,
        processStart,
    ]

    /// The metric of this name; nil for one that is not declared.
    package static func named(_ name: String) -> MetricDeclaration? { byName[name] }

    private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })
}
