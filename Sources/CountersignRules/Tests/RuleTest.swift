package import CountersignCore
package import Foundation

/// A test inside a rule file: events, and what the rules should do about them.
package struct RuleTest: Sendable {
    /// An event that is sent.
    package struct Send: Sendable {
        /// The `name` field of the payload.
        package let name: String

        /// The whole payload, its `name` included.
        package let payload: JSON

        /// How the event arrives; by default `rule` for a name that begins with `X_`, else `callback`.
        package let origin: Event.Origin

        /// The package that the event is about; nil where OneSpan Sign knows none.
        package let package: JSON?

        /// How long after the start of the test it is sent.
        package let delay: Duration
    }

    /// A run that should come about.
    package struct Expectation: Sendable {
        /// The id of the rule whose runs are expected.
        package let rule: String

        /// How many runs should be like this; nil where one or more will do.
        package let times: Int?

        /// How the run should end; nil where that does not matter.
        package let end: End?

        /// The steps that should run, in this order and no others; nil where they do not matter.
        package let steps: [StepExpectation]?

        /// The position of the rule's id in the expectation, for reports.
        package let span: SourceSpan
    }

    /// How a run ends.
    package enum End: String, Sendable, CaseIterable {
        case succeeded
        case failed
    }

    /// A step that should run.
    package struct StepExpectation: Sendable {
        /// The id of the step.
        package let id: String

        /// What should hold for its plan; paths start in the plan.
        package let plan: Condition?

        /// How long after the start of the test it should begin, to the second; nil where that does not matter.
        package let time: Duration?

        /// The position of the step's id in the expectation, for reports.
        package let span: SourceSpan
    }

    /// The result that a step has in the test, as it does not really act.
    ///
    /// Of several for one step, each is for one attempt, and the last one for all attempts that follow.
    package struct Mock: Sendable {
        /// What an attempt at the step returns in the test.
        package enum Result: Sendable {
            case output(JSONObject)
            case fail(String)
        }

        /// The id of the rule.
        package let rule: String

        /// The id of the step of that rule.
        package let step: String

        /// What the attempt returns instead of acting.
        package let result: Result
    }

    /// The test's name, which reports show.
    package let name: String

    /// The time at which the test starts; nil for the `createdDate` of its first event, or a fixed time without one.
    package let start: Date?

    /// What a step's `if` finds under `configured`.
    package let configured: Configured

    /// The events, in the order in which the file has them.
    package let sends: [Send]

    /// How far the clock goes from the start of the test; nil for until nothing that an event opened is due any more.
    package let until: Duration?

    /// The runs that must be created; runs of rules that no expectation names are allowed.
    package let expectations: [Expectation]

    /// Rules that should not run.
    package let silentRules: [String]

    /// What should be open at the end.
    package let pending: [PendingExpectation]

    /// What events should have cancelled.
    package let cancelled: [CancelledExpectation]

    /// The results of steps in this test; a step without one is only planned and has no output, unless it is an `emit`.
    package let mocks: [Mock]

    /// The path of the file as findings name it.
    package let file: String

    /// The position of the test's name in the file.
    package let span: SourceSpan
}
