/// What rules with state keep open, read from the store at each scrape.
extension MetricCatalogue {
    /// What is open; `kind` is a `RuleState.Kind` or `queue`.
    package static let pending = MetricDeclaration(
        "countersign_pending",
        .gauge,
        "What rules with state keep open by kind: timers, debounces, digests, schedules, the keys of `throttle` and "
            + "`threshold`, and as `queue` the runs that wait for their concurrency key.",
        labels: ["kind"]
    )
    /// The age of the oldest of each kind; 0 where there is none.
    package static let pendingAge = MetricDeclaration(
        "countersign_pending_oldest_seconds",
        .gauge,
        "Age of the oldest of these by kind; for `queue`, how long the run has waited that waits longest.",
        labels: ["kind"]
    )
    /// How long the state has been due that was due first; 0 where none is.
    package static let pendingLateness = MetricDeclaration(
        "countersign_pending_late_seconds",
        .gauge,
        "How long the timer, debounce, digest or schedule has been due that was due first; those of paused rules do not count."
    )
    /// Queues of which `X_QUEUE_STUCK` tells.
    package static let stuckQueues = MetricDeclaration(
        "countersign_queues_stuck",
        .gauge,
        "Queues whose key is held for more than an hour or by a failed run while others wait, or in which 10,000 runs wait."
    )
    /// Pauses; `subject` is `rule`, `destination` or `everything`.
    package static let pauses = MetricDeclaration(
        "countersign_pauses",
        .gauge,
        "What is paused, by subject: `rule`, `destination` or `everything`.",
        labels: ["subject"]
    )
}
