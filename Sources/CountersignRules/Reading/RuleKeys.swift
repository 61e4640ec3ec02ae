/// The keys that a map in a rule file may have, by what the map means; the readers take these and no others.
package enum RuleKeys {
    /// The top level of a file.
    package static let file = ["rules", "tests"]

    /// An entry of `rules`.
    package static let rule = [
        "id", "description", "enabled", "when", "after", "unless", "throttle", "threshold", "debounce", "digest",
        "concurrency", "then", "on_failure", "always",
    ]

    /// The `when` of a rule that a time and not an event makes run.
    package static let schedule = ["schedule", "every", "zone", "missed"]

    /// The `after` of a rule, where it is a map.
    package static let after = afterEntry + ["per", "again"]

    /// An entry of `after` that is a map.
    package static let afterEntry = ["delay", "until", "less", "schedule", "zone"]

    /// The `throttle` of a rule.
    package static let throttle = ["limit", "within", "per"]

    /// The `threshold` of a rule.
    package static let threshold = ["count", "within", "distinct", "per", "quiet"]

    /// The `debounce` of a rule.
    package static let debounce = ["quiet", "max", "per"]

    /// The `digest` of a rule.
    package static let digest = ["schedule", "zone", "within", "max", "per", "line"]

    /// The `concurrency` of a rule, where it is a map.
    package static let concurrency = ["per", "limit", "busy", "on_failure", "group"]

    /// Beside the action of a step.
    package static let step = ["id", "if", "timeout", "retry", "continue_on_error"]

    /// The `retry` of a step.
    package static let retry = ["attempts", "first", "max", "factor"]

    /// An entry of `tests`.
    package static let test = [
        "name", "at", "configured", "send", "until", "mock", "expect", "expect_none", "expect_pending",
        "expect_cancelled",
    ]

    /// An entry of `send` in a test; a map without `payload` is a payload itself, with any keys.
    package static let send = ["payload", "after", "origin", "package"]

    /// An entry of `expect` in a test.
    package static let expectation = ["rule", "times", "ends", "steps"]

    /// An entry of an expectation's `steps` that is not just an id.
    package static let expectedStep = ["id", "plan", "at"]

    /// An entry of `expect_pending` in a test.
    package static let pending = ["rule", "key", "kind", "due"]

    /// An entry of `expect_cancelled` in a test.
    package static let cancelled = ["rule", "key", "by", "times"]

    /// An entry of `mock` in a test.
    package static let mock = ["rule", "step", "output", "fail"]
}
