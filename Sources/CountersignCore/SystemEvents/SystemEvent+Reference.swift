extension SystemEvent {
    /// When it is raised, in one sentence.
    package var summary: String {
        switch self {
        case .runFailed: "A run failed for good; again each time that a retried run fails."
        case .rulesRefused: "A change of the rules has an error or cannot be read; once for each such change."
        case .rulesRecovered: "The active rules are again those of the rules folder."
        case .rulesDiffer:
            "For two minutes the rules folder of an instance has held other rules than the active ones of the store; once for each "
                + "instance until they match."
        case .rulesMatch: "The rules folder of an instance holds the active rules again."
        case .diskLow:
            "The file system of the store or of the output folder has less free space than `disk.min_free`, or few free inodes; "
                + "once until it has recovered."
        case .diskRecovered: "There is a quarter more free space again than the threshold of `X_DISK_LOW`."
        case .pollFailed: "Three polls in a row have failed; once until one finishes."
        case .pollRecovered: "A poll has finished again."
        case .eventsLost:
            "Events that were acknowledged are missing from the store, as found at a start after damage or a restored backup; "
                + "once for each loss."
        case .spooling:
            "Callbacks were stored in the spool because the store could not store them; raised once the store is back."
        case .spoolDrained: "All that was in the spool is in the store."
        case .noCallbacks: "No callback has arrived for `onespan.alert_after`; once until the next one arrives."
        case .eventMissing:
            "A package completed whose activation never arrived; checked when `onespan.alert_after` is set."
        case .stateFull:
            "A rule has as many keys as `engine.max_keys` allows, so it opens no further ones; once until there are fewer."
        case .queueStuck:
            "Runs wait behind one that has held their concurrency key for an hour, or that failed and holds it, or 10,000 "
                + "of them wait; once until it has recovered."
        case .queueRecovered: "The queue of `X_QUEUE_STUCK` moves again."
        }
    }

    /// The fields of its payload beside `name` and `createdDate`.
    package var fields: [Field] {
        switch self {
        case .runFailed: Self.fieldsOfRun
        case .rulesRefused:
            [
                Field("version", "the refused set, the first twelve digits of its hash; null when it cannot be read"),
                Field("first", "the first error"), Field("findings", "the list of all errors, fifty at most"),
                Field("count", "the number of errors"),
            ]
        case .rulesRecovered:
            [
                Field("version", "the active set, the first twelve digits of its hash"),
                Field("since", "the time of the first refusal"),
            ]
        case .rulesDiffer, .rulesMatch:
            [
                Field("instance", "the instance"),
                Field("active", "the active set, the first twelve digits of its hash"),
                Field("folder", "the set of its folder, the first twelve digits of its hash"),
                Field("since", "since when they differ"),
            ]
        case .diskLow, .diskRecovered: Self.fieldsOfDisk + (self == .diskLow ? [] : [Field("since", "when it began")])
        case .pollFailed:
            [
                Field("since", "the time of the first failure"),
                Field("failures", "the number of consecutive failures"),
                Field("reason", "why the last one failed"), Field("lastFinished", "when a poll last finished, or null"),
            ]
        case .pollRecovered:
            [Field("since", "when it began"), Field("recovered", "how many events this poll recovered")]
        case .eventsLost:
            [
                Field("count", "how many are missing"), Field("firstMissing", "the number of the first of them"),
                Field("lastMissing", "the number of the last of them"),
            ]
        case .spooling: Self.fieldsOfSpooling
        case .spoolDrained: Self.fieldsOfDraining
        case .noCallbacks: [Field("since", "when the last callback arrived")]
        case .eventMissing: [Field("packageId", "the package"), Field("missing", "the event that never arrived")]
        case .stateFull: [Field("rule", "the rule"), Field("keys", "how many keys it may have")]
        case .queueStuck: Self.fieldsOfQueue
        case .queueRecovered: [Field("queue", "the rule or group, and the key"), Field("since", "when it began")]
        }
    }

    private static let fieldsOfSpooling = [
        Field("since", "when the first callback was spooled"), Field("reason", "why"),
        Field("events", "how many were in the spool when the store was back"),
    ]

    private static let fieldsOfDraining = [
        Field("since", "when it began"), Field("events", "how many events were stored from the spool"),
        Field("duplicates", "how many of these were stored already"),
        Field("quarantined", "how many could not be stored and were quarantined"),
    ]

    private static let fieldsOfQueue = [
        Field("queue", "the rule or group, and the key"), Field("run", "the run that holds the key, or null"),
        Field("heldSince", "since when it holds it, or null"), Field("waiting", "how many runs wait"),
        Field("reason", "`held`, `failed` or `long`"),
    ]

    private static let fieldsOfRun = [
        Field("run", "the number of the run"), Field("rule", "its rule"),
        Field("step", "the step that failed; null if no step did"),
        Field("reason", "why, 2000 characters at most"), Field("event", "the number of the event that it was for"),
        Field("eventName", "that event's name"), Field("packageId", "that event's package, if it has one"),
        Field("sessionUser", "that event's user, if it has one"),
        Field("countersign", "what led to it, as in events of `emit`"),
    ]

    private static let fieldsOfDisk = [
        Field("path", "the folder"), Field("holds", "`store`, `output`, or `store and output` where both lie there"),
        Field("free", "the free space, such as `812.5MiB`"), Field("total", "the size of the file system"),
        Field("threshold", "the least that should be free"),
        Field("freeFiles", "how many more files fit in, if that is bounded"),
    ]
}
