extension Trouble {
    /// When it is raised, in one sentence.
    package var summary: String {
        switch self {
        case .runFailed: "A run failed for good; each time that it does, when somebody retries it."
        case .rulesRefused: "A change of the rules holds an error or cannot be read; once for each such change."
        case .rulesRecovered: "Rules are in force again that come from the folder as it is."
        case .diskLow:
            "Less is free than `disk.low` says, or few more files (inodes) fit in, where the store or the output folder lies; "
                + "once until it is well again."
        case .diskRecovered: "There is a quarter more room again than `X_DISK_LOW` begins at."
        case .pollFailed: "Three polls in a row have failed; once until one finishes."
        case .pollRecovered: "A poll has finished again."
        case .eventsLost:
            "The store lacks events that were acknowledged, as a start finds after a damage or an older backup; once for each."
        case .silence: "No callback came for as long as `onespan.silence` says; once for each silence."
        case .gap: "A package is complete that was never seen sent; watched with `onespan.silence`."
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
                Field("count", "how many there are"),
            ]
        case .rulesRecovered:
            [
                Field("version", "the set in force, the first twelve digits of its hash"),
                Field("since", "when the first refusal was"),
            ]
        case .diskLow, .diskRecovered: Self.fieldsOfDisk + (self == .diskLow ? [] : [Field("since", "when it began")])
        case .pollFailed:
            [
                Field("since", "when the first of the failures was"), Field("failures", "how many there were in a row"),
                Field("reason", "why the last one failed"), Field("lastFinished", "when a poll last finished, or null"),
            ]
        case .pollRecovered:
            [Field("since", "when it began"), Field("recovered", "how many events this poll recovered")]
        case .eventsLost:
            [
                Field("count", "how many are missing"), Field("firstMissing", "the number of the first of them"),
                Field("lastMissing", "the number of the last of them"),
            ]
        case .silence: [Field("since", "when the last callback came")]
        case .gap: [Field("packageId", "the package"), Field("missing", "the event that never came")]
        }
    }

    private static let fieldsOfRun = [
        Field("run", "the number of the run"), Field("rule", "its rule"),
        Field("step", "the step that failed; empty when it was none"),
        Field("reason", "why, 2000 characters at most"), Field("event", "the number of the event that it was for"),
        Field("eventName", "that event's name"), Field("packageId", "that event's package, if it has one"),
        Field("sessionUser", "that event's user, if it has one"),
        Field("countersign", "what led to it, as in events of `emit`"),
    ]

    private static let fieldsOfDisk = [
        Field("path", "the folder"), Field("holds", "`store`, `output`, or `store and output` where both lie there"),
        Field("freeMiB", "what is free"), Field("totalMiB", "what there is"), Field("lowMiB", "what `disk.low` says"),
        Field("freeFiles", "how many more files fit in, if that is bounded"),
    ]
}
