/// The keys that a map in a rule file may have, by what the map means; the readers take these and no others.
package enum RuleKeys {
    package static let file = ["rules", "tests"]
    package static let rule = ["id", "description", "enabled", "when", "then", "on_failure", "always"]

    /// Beside the action of a step.
    package static let step = ["id", "if", "timeout", "retry", "continue_on_error"]
    package static let retry = ["attempts", "first", "max", "factor"]
    package static let test = ["name", "at", "configured", "send", "mock", "expect", "expect_none"]
    package static let send = ["payload", "after", "origin", "package"]
    package static let expectation = ["rule", "times", "ends", "steps"]
    package static let expectedStep = ["id", "plan"]
    package static let mock = ["rule", "step", "output", "fail"]
}
