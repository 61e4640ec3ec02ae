import CountersignCore
import CountersignEngine
import CountersignOneSpan
import CountersignRules
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
        (RuleList.shape.name, RuleList.shape.schema), (EventPage.shape.name, EventPage.shape.schema),
        (PackagePage.shape.name, PackagePage.shape.schema), (RunPage.shape.name, RunPage.shape.schema),
        (QuarantinePage.shape.name, QuarantinePage.shape.schema),
        (EventExplanation.shape.name, EventExplanation.shape.schema),
        (RuleExplanation.shape.name, RuleExplanation.shape.schema),
        (LateArrival.shape.name, LateArrival.shape.schema),
        (EventExplanation.Replay.shape.name, EventExplanation.Replay.shape.schema),
        (DryRunReport.shape.name, DryRunReport.shape.schema),
        (DryRun.RuleReport.shape.name, DryRun.RuleReport.shape.schema),
        (RunDiff.shape.name, RunDiff.shape.schema), (RunDiff.Row.shape.name, RunDiff.Row.shape.schema),
        (RunDiff.Runs.shape.name, RunDiff.Runs.shape.schema),
        (EditEffect.shape.name, EditEffect.shape.schema),
        (EditEffect.Timers.shape.name, EditEffect.Timers.shape.schema), ("EditEffects", EditEffect.list),
        (TailPage.shape.name, TailPage.shape.schema), (TailEntry.shape.name, TailEntry.shape.schema),
        (DiffRequest.shape.name, .closed(DiffRequest.shape.schema)), ("RuleFiles", DiffRequest.files),
        (PollRequest.shape.name, .closed(PollRequest.shape.schema)),
        (RetryResult.shape.name, RetryResult.shape.schema),
        (PollReport.shape.name, PollReport.shape.schema),
        (PollState.shape.name, PollState.shape.schema),
        (PollReport.Recovery.shape.name, PollReport.Recovery.shape.schema),
        (PendingItem.shape.name, PendingItem.shape.schema), (PendingList.shape.name, PendingList.shape.schema),
        (PendingDetails.shape.name, PendingDetails.shape.schema),
        (PendingDetails.Member.shape.name, PendingDetails.Member.shape.schema),
        (PendingChange.shape.name, PendingChange.shape.schema), (Decision.shape.name, Decision.shape.schema),
        (Pause.shape.name, Pause.shape.schema), (PauseList.shape.name, PauseList.shape.schema),
        ("PauseRequest", PauseRequest.schema), ("ResumeRequest", ResumeRequest.schema),
        (PacedResumption.shape.name, PacedResumption.shape.schema),
        (InstanceList.shape.name, InstanceList.shape.schema), (InstanceRecord.shape.name, InstanceRecord.shape.schema),
        (Activation.shape.name, Activation.shape.schema),
        (RuleInstallation.shape.name, RuleInstallation.shape.schema),
        (ServerState.shape.name, ServerState.shape.schema), (StoreFact.shape.name, StoreFact.shape.schema),
        ("Overview", overview),
    ]

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
        ("failed_runs", .count), ("running", .count), ("last_event", .nullable(.named("Event"))),
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
        ("pauses", .array(.named(Pause.shape.name))), ("refuses_writes", .boolean),
        ("unregistered_events", .array(.string)),
    ])

    private static let latency = Schema.object([
        ("count", .count), ("p50", .nullable(.duration)), ("p99", .nullable(.duration)),
    ])
}
