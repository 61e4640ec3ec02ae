package import CountersignCore
package import Foundation

/// A test inside a rule file: events, and what the rules should do about them.
package struct RuleTest: Sendable {
    /// An event that is sent.
    package struct Send: Sendable {
        package let name: String
        package let payload: JSON
        package let origin: Event.Origin

        /// The package that the event is about; nil where OneSpan Sign knows none.
        package let package: JSON?

        /// How long after the start of the test it is sent.
        package let delay: Duration
    }

    /// A run that should come about.
    package struct Expectation: Sendable {
        package let rule: String

        /// How many runs should be like this; nil where one or more will do.
        package let times: Int?

        /// How the run should end; nil where that does not matter.
        package let end: End?

        /// The steps that should run, in this order and no others; nil where they do not matter.
        package let steps: [StepExpectation]?

        package let span: SourceSpan
    }

    /// How a run ends.
    package enum End: String, Sendable, CaseIterable {
        case succeeded
        case failed
    }

    /// A step that should run.
    package struct StepExpectation: Sendable {
        package let id: String

        /// What should hold for its plan; paths start in the plan.
        package let plan: Condition?

        package let span: SourceSpan
    }

    /// The result that a step has in the test, as it does not really act.
    ///
    /// Of several for one step, each is for one attempt, and the last one for all attempts that follow.
    package struct Mock: Sendable {
        package enum Result: Sendable {
            case output(JSONObject)
            case fail(String)
        }

        package let rule: String
        package let step: String
        package let result: Result
    }

    package let name: String

    /// The time at which the test starts; nil for the `createdDate` of its first event, or a fixed time without one.
    package let start: Date?

    /// What a step's `if` finds under `configured`.
    package let configured: Configured

    package let sends: [Send]
    package let expectations: [Expectation]

    /// Rules that should not run.
    package let silentRules: [String]

    package let mocks: [Mock]

    /// The path of the file as findings name it, and the place of the test's name in it.
    package let file: String
    package let span: SourceSpan
}
