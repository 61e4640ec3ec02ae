/// The keys that a map in a rule file may have, by what the map means; the readers take these and no others.
package enum RuleKeys {
    /// The top level of a file.
    package static let file = ["rules", "tests"]

    /// An entry of `rules`.
    package static let rule = ["id", "description", "enabled", "when", "then", "on_failure", "always"]

    /// Beside the action of a step.
    package static let step = ["id", "if", "timeout", "retry", "continue_on_error"]

    /// The `retry` of a step.
    package static let retry = ["attempts", "first", "max", "factor"]

    /// An entry of `tests`.
    package static let test = ["name", "at", "configured", "send", "mock", "expect", "expect_none"]

    /// An entry of `send` in a test; a map without `payload` is a payload itself, with any keys.
    package static let send = ["payload", "after", "origin", "package"]

    /// An entry of `expect` in a test.
    package static let expectation = ["rule", "times", "ends", "steps"]

    /// An entry of an expectation's `steps` that is not just an id.
    package static let expectedStep = ["id", "plan"]

    /// An entry of `mock` in a test.
    package static let mock = ["rule", "step", "output", "fail"]
}
