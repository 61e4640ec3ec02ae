import CountersignCore

// Rules with time and state.

extension RuleSchema {
    /// The words of a rule between its `when` and its `then`.
    static let words: JSONObject = [
        "after": .object(reference("after", "Runs this long after the event, once for each entry.")),
        "unless": .object(
            reference("condition", "Beside 'after': an event of the same key for which this holds cancels the timers.")
        ),
        "throttle": .object(reference("throttle", "The first events of a key run, the rest are counted.")),
        "threshold": .object(reference("threshold", "Runs with the event that makes the number full.")),
        "debounce": .object(reference("debounce", "One run for the newest event, when no other came for a time.")),
        "digest": .object(reference("digest", "One run for all events that were gathered.")),
        "concurrency": .object(reference("concurrency", "Runs of one key take turns.")),
    ]

    /// The words that exclude one another, two at a time.
    static var pairsOfWords: [JSON] {
        let words = RuleFact.allCases.map(\.rawValue)
        return words.enumerated()
            .flatMap { index, left in
                words.dropFirst(index + 1).map { right -> JSON in ["required": [.string(left), .string(right)]] }
            }
    }

    /// The step `wait`: a duration, or a map that is not empty.
    static var wait: JSON {
        [
            "description": .string(Wait.declaration.summary), "if": ["type": "object"],
            "then": ["allOf": [.object(reference("options-\(Wait.action)")), ["minProperties": 1]]],
            "else": duration(),
        ]
    }

    /// What the parts of the words mean, by the names under which they are referred to.
    static var stateDefinitions: JSONObject {
        [
            "after": after, "afterEntry": .object(map(afterEntry)), "throttle": throttle, "threshold": threshold,
            "debounce": debounce, "digest": digest, "concurrency": concurrency, "schedule": schedule, "per": per,
        ]
    }

    private static var per: JSON {
        let path: JSON = ["type": "string", "minLength": 1]
        return [
            "description": "A path, a list of paths, or 'rule': events with the same values have the same key.",
            "anyOf": [path, ["type": "array", "items": path, "minItems": 1]],
        ]
    }

    private static let keys: JSON = .object(reference("per"))

    private static let zone: JSON = [
        "type": "string", "default": "UTC", "description": "The time zone, such as Europe/Berlin.",
    ]

    private static let line: JSON = [
        "type": "string", "examples": ["0 8 * * mon-fri"],
        "description": "Minute, hour, day of the month, month and day of the week, as in crontab(5).",
    ]

    private static func choice(_ words: [String], default fallback: String, _ summary: String) -> JSON {
        [
            "enum": .array(words.map { .string($0) }), "default": .string(fallback), "description": .string(summary),
        ]
    }

    private static let afterEntry: JSONObject = [
        "delay": duration("This long after the event's own time."),
        "until": text("The time, such as \"${package.due}\"."),
        "less": duration("How long before that time."),
        "schedule": line, "zone": zone,
    ]

    private static var after: JSON {
        let entry: JSON = [
            "if": ["type": "object"], "then": .object(reference("afterEntry")), "else": duration(),
        ]
        let list: JSON = ["type": "array", "items": entry, "minItems": 1, "maxItems": 100]
        var properties = afterEntry
        properties["delay"] = ["anyOf": [duration("This long after the event's own time."), list]]
        properties["per"] = keys
        properties["again"] = choice(
            After.Again.allCases.map(\.rawValue),
            default: After.Again.keep.rawValue,
            "What an event does while timers of its key are open."
        )
        return [
            "if": ["type": "object"], "then": .object(map(properties)), "else": ["anyOf": [duration(), list]],
        ]
    }

    private static var throttle: JSON {
        .object(
            map(
                [
                    "limit": integer(1...1_000_000, "How many events of a key run (default: 1)."),
                    "within": duration("How long the window is, from the first event that runs."), "per": keys,
                ],
                required: ["within"]
            )
        )
    }

    private static var threshold: JSON {
        .object(
            map(
                [
                    "count": integer(2...Threshold.mostCounted, "How many events make it full."),
                    "within": duration("Within which time."),
                    "distinct": text("A path: its different values are counted, and not the events."), "per": keys,
                    "quiet": duration("How long nothing is counted after a run (default: 'within')."),
                ],
                required: ["count", "within"]
            )
        )
    }

    private static var debounce: JSON {
        .object(
            map(
                [
                    "quiet": duration("How long no other event may come."),
                    "max": duration(
                        "How long after the first event it runs at the latest (default: 10 times 'quiet')."
                    ),
                    "per": keys,
                ],
                required: ["quiet"]
            )
        )
    }

    private static var digest: JSON {
        var digest = map([
            "schedule": line, "zone": zone, "within": duration("How long after the first event it runs."),
            "max": integer(1...Digest.mostGathered, "How many events are shown (default: 500); all are counted."),
            "per": keys, "line": text("What 'digest.lines' says of each event, such as \"${event.packageId}\"."),
        ])
        digest["oneOf"] = [["required": ["schedule"]], ["required": ["within"]]]
        return .object(digest)
    }

    private static var concurrency: JSON {
        let map = map([
            "per": keys, "limit": integer(1...1_000, "How many runs of a key are under way at a time (default: 1)."),
            "busy": choice(
                Concurrency.Busy.allCases.map(\.rawValue),
                default: Concurrency.Busy.queue.rawValue,
                "What becomes of a run whose key is busy: it waits, it is not made, or only the newest one waits."
            ),
            "on_failure": choice(
                ["continue", "hold"],
                default: "continue",
                "Whether the next run starts after a failed one, or waits until that is retried or discarded."
            ),
            "group": [
                "type": "string", "pattern": "^[a-z0-9][a-z0-9-]*$",
                "description": "The name under which several rules share their keys.",
            ],
        ])
        return ["if": ["type": "object"], "then": .object(map), "else": keys]
    }

    /// The `when` of a rule that a time makes run.
    private static var schedule: JSON {
        let every = duration("At each multiple of this since 1970-01-01 UTC; at least 1m.")
        var schedule = map([
            "schedule": ["anyOf": [line, .object(map(["every": every], required: ["every"]))]],
            "every": every, "zone": zone,
            "missed": choice(
                RuleSchedule.Missed.allCases.map(\.rawValue),
                default: RuleSchedule.Missed.once.rawValue,
                "What becomes of times that are found more than 5 minutes late: the latest one, none or all occur."
            ),
        ])
        schedule["oneOf"] = [["required": ["schedule"]], ["required": ["every"]]]
        return .object(schedule)
    }

    /// `seen` in a condition: a condition map with keys of its own.
    static func seen(_ condition: JSON) -> JSON {
        guard case .object(var seen) = condition, case .object(var properties)? = seen["properties"] else {
            return true
        }
        properties = JSONObject(properties.members.filter { $0.key != "seen" })
        properties["within"] = duration("How far back the events may lie.")
        properties["count"] = .object(reference("valueTest", "How many there must be (default: one or more)."))
        properties["per"] = keys
        seen["properties"] = .object(properties)
        seen["minProperties"] = 1
        return .object(seen)
    }
}
