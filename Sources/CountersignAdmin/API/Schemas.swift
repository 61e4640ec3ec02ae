import CountersignModel
import CountersignStore

/// The documents of the API by name; the extensions in `Documents` make them.
extension Schema {
    static let components: [(name: String, schema: Schema)] = [
        ("Error", .object([("error", .string)])),
        ("Event", event), ("StoredEvent", storedEvent), ("Run", run), ("ListedRun", listedRun),
        ("RunWithSteps", runWithSteps), ("Step", step), ("Package", package), ("Story", story),
        ("QuarantinedBody", quarantinedBody), ("Rule", rule),
        ("RuleWithSource", ruleWithSource), ("RuleReport", ruleReport), ("Overview", overview),
    ]

    static let state = Schema.choice(Run.State.allCases.map(\.rawValue))
    static let origin = Schema.choice(Event.Origin.allCases.map(\.rawValue))

    private static let eventMembers: [(String, Schema)] = [
        ("id", .id), ("name", .string), ("origin", origin), ("received_at", .dateTime), ("duplicates", .count),
        ("dispatched_at", .nullable(.dateTime)), ("rule_set", .nullable(.string)), ("payload", .any),
        ("damage?", .string),
    ]
    private static let event = Schema.object(eventMembers)
    private static let storedEvent = Schema.object(
        eventMembers + [("trace_id", .string), ("runs", .array(.named("Run")))]
    )

    private static let runMembers: [(String, Schema)] = [
        ("id", .id), ("event", .id), ("rule", .string), ("rule_set", .string), ("state", state),
        ("due_at", .nullable(.dateTime)), ("retries", .count), ("created_at", .dateTime),
        ("finished_at", .nullable(.dateTime)), ("waiting_for?", .string), ("wait_reason?", .string),
    ]
    private static let run = Schema.object(runMembers)
    private static let listedRun = Schema.object(
        runMembers + [("event_name", .string), ("package", .nullable(.string)), ("reason", .nullable(.string))]
    )
    private static let runWithSteps = Schema.object(
        runMembers + [("steps", .array(.named("Step"))), ("trace_id?", .string)]
    )

    private static let step = Schema.object([
        ("step", .nullable(.string)), ("attempt", .count),
        ("status", .choice(StepRecord.Status.allCases.map(\.rawValue))),
        ("final", .boolean), ("reason", .nullable(.string)), ("plan", .any), ("output", .any),
        ("started_at", .dateTime), ("finished_at", .dateTime),
    ])

    private static let package = Schema.object([
        ("id", .string), ("name", .nullable(.string)), ("events", .count), ("first_at", .dateTime),
        ("last_at", .dateTime), ("last_event", .string), ("runs", .any),
    ])
    private static let story = Schema.object([
        ("id", .string), ("events", .array(.named("Event"))), ("has_earlier_events", .boolean),
        ("runs", .array(.named("RunWithSteps"))),
    ])

    private static let quarantinedBody = Schema.object([
        ("id", .id), ("received_at", .dateTime), ("reason", .string), ("body", .string), ("body_base64?", .string),
    ])

    private static let ruleMembers: [(String, Schema)] = [
        ("id", .string), ("description", .nullable(.string)), ("enabled", .boolean), ("file", .string),
        ("line", .count), ("steps", .array(.object([("id", .string), ("action", .string)]))),
        ("runs_last_day", .count), ("failed", .count),
    ]
    private static let rule = Schema.object(ruleMembers)
    private static let ruleWithSource = Schema.object(ruleMembers + [("source", .string)])

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
                ("oldest_due", .nullable(.dateTime)), ("age_seconds", .number),
            ])
        ),
        ("dead_letters", .count), ("running", .count), ("last_event", .nullable(.named("Event"))),
        ("acknowledgement", latency), ("run_time", latency),
        (
            "rules",
            .object([
                ("version", .nullable(.string)), ("count", .count), ("in_force_since", .nullable(.dateTime)),
                ("refused_at", .nullable(.dateTime)), ("findings", .array(.string)),
            ])
        ),
        ("poll", .nullable(.object([("finished_at", .dateTime), ("recovered", .count)]))),
        ("open_circuits", .array(.object([("destination", .string), ("until", .dateTime)]))),
        ("refuses_writes", .boolean), ("unregistered_events", .array(.string)),
    ])

    private static let latency = Schema.object([
        ("count", .count), ("p50_seconds", .nullable(.number)), ("p99_seconds", .nullable(.number)),
    ])
}
