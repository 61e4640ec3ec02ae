import CountersignCore
import CountersignStore

/// The documents of the API by name.
extension Schema {
    /// All named schemas, for `components/schemas` of the OpenAPI document.
    package static let components: [(name: String, schema: Schema)] = [
        ("Error", .object([("error", .string)])),
        (StoredEvent.shape.name, StoredEvent.shape.schema), (EventDetails.shape.name, EventDetails.shape.schema),
        (Run.shape.name, Run.shape.schema), (RunRow.shape.name, RunRow.shape.schema),
        (RunDetails.shape.name, RunDetails.shape.schema), (StepRecord.shape.name, StepRecord.shape.schema),
        (PackageSummary.shape.name, PackageSummary.shape.schema),
        (PackageTimeline.shape.name, PackageTimeline.shape.schema),
        (QuarantinedBody.shape.name, QuarantinedBody.shape.schema),
        (RuleStatus.shape.name, RuleStatus.shape.schema), (RuleDetails.shape.name, RuleDetails.shape.schema),
        ("RuleReport", ruleReport), ("Overview", overview),
    ]

    private static let ruleReport = Schema.object([
        ("id", .string), ("matched", .boolean), ("conditions", .array(.any)), ("steps", .array(.any)),
        ("enabled?", .boolean), ("depends_on_package?", .boolean),
    ])

    private static let overview = Schema.object([
        ("time", .dateTime), ("version", .string), ("started_at", .dateTime),
        (
            "hours",
            .array(.object([("hour", .dateTime), ("events", .count), ("runs", .count), ("failed", .count)]))
        ),
        (
            "backlog",
            .object([
                ("events", .count), ("runs", .count), ("due_runs", .count), ("oldest_event", .nullable(.dateTime)),
                ("oldest_due", .nullable(.dateTime)), ("age", .duration),
            ])
        ),
        ("dead_letters", .count), ("running", .count), ("last_event", .nullable(.named("Event"))),
        ("acknowledgement", latency), ("run_time", latency),
        (
            "rules",
            .object([
                ("version", .nullable(.string)), ("count", .count), ("active_since", .nullable(.dateTime)),
                ("refused_at", .nullable(.dateTime)), ("findings", .array(.string)),
            ])
        ),
        ("poll", .nullable(.object([("finished_at", .dateTime), ("recovered", .count)]))),
        ("open_circuits", .array(.object([("destination", .string), ("until", .dateTime)]))),
        ("refuses_writes", .boolean), ("unregistered_events", .array(.string)),
    ])

    private static let latency = Schema.object([
        ("count", .count), ("p50", .nullable(.duration)), ("p99", .nullable(.duration)),
    ])
}
