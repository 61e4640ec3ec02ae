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

    package let kind: Kind

    /// What it tells, in one sentence.
    package let summary: String

    /// The labels; each has few values, whatever strangers send.
    package let labels: [String]

    init(_ name: String, _ kind: Kind, _ summary: String, labels: [String] = []) {
        self.name = name
        self.kind = kind
        self.summary = summary
        self.labels = labels
    }
}

/// All metrics.
package enum MetricCatalogue {
    package static let deliveries = MetricDeclaration(
        "countersign_deliveries_total",
        .counter,
        "Callbacks by event (`other` for names that OneSpan Sign is not known to send) and by what became of them.",
        labels: ["event", "result"]
    )
    package static let acknowledgements = MetricDeclaration(
        "countersign_acknowledgement_seconds",
        .histogram,
        "Time from a callback's last byte to its event being on disk."
    )
    package static let commits = MetricDeclaration(
        "countersign_store_commits",
        .gauge,
        "Transactions that the store has committed since the start."
    )
    package static let operations = MetricDeclaration(
        "countersign_store_operations",
        .gauge,
        "Operations that these transactions held; divided by commits, the size of a batch."
    )
    package static let waitingWrites = MetricDeclaration(
        "countersign_store_waiting",
        .gauge,
        "Operations that wait for the commit under way."
    )
    package static let runs = MetricDeclaration(
        "countersign_runs",
        .gauge,
        "Runs in the store by state.",
        labels: ["state"]
    )
    package static let steps = MetricDeclaration(
        "countersign_steps_total",
        .counter,
        "Attempts at steps by action and result.",
        labels: ["action", "result"]
    )
    package static let stepTime = MetricDeclaration(
        "countersign_step_seconds",
        .histogram,
        "How long attempts at steps took, by action.",
        labels: ["action"]
    )
    package static let breakers = MetricDeclaration(
        "countersign_breakers_open",
        .gauge,
        "Destinations that are left alone because they are down."
    )
    package static let reloads = MetricDeclaration(
        "countersign_rule_reloads_total",
        .counter,
        "Changes of the rules by whether they came into force.",
        labels: ["result"]
    )
    package static let polls = MetricDeclaration(
        "countersign_polls_total",
        .counter,
        "Polls by whether they finished.",
        labels: ["result"]
    )
    package static let lastPoll = MetricDeclaration(
        "countersign_poll_last_finished_timestamp_seconds",
        .gauge,
        "When the last poll finished."
    )
    package static let recovered = MetricDeclaration(
        "countersign_poll_recovered_events",
        .gauge,
        "Events that polls on this store have recovered so far."
    )
    package static let residentMemory = MetricDeclaration(
        "process_resident_memory_bytes",
        .gauge,
        "Memory of the process that is in RAM."
    )
    package static let openFiles = MetricDeclaration("process_open_fds", .gauge, "Open file descriptors.")
    package static let processStart = MetricDeclaration(
        "process_start_time_seconds",
        .gauge,
        "When the process started."
    )

    /// In the order in which they are explained.
    package static let all = [
        deliveries, acknowledgements, commits, operations, waitingWrites, runs, steps, stepTime, breakers, reloads,
        polls,
        lastPoll, recovered, residentMemory, openFiles, processStart,
    ]
}
