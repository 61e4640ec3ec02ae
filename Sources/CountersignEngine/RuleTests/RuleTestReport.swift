package import CountersignCore
package import CountersignRules
package import Foundation

/// What a test inside a rule file came to.
package struct RuleTestReport: Sendable {
    /// An event of the test, in the order of sending, or one that a rule raised.
    package struct Sent: Sendable {
        /// What became of an event of a test.
        package enum ReplayOutcome: Sendable, Equatable {
            /// The rules evaluated it.
            case evaluated
            /// It is the same event as an earlier one, given by its number, and so was not evaluated again.
            case duplicate(of: Int)
            /// It is no event, and would have been quarantined.
            case unreadable(reason: String)
        }

        /// Its place in `send`, counted from 1; events that rules raise are numbered on behind it.
        package let number: Int

        /// The name of the event.
        package let name: String

        /// What became of it; always `evaluated` for one that a rule raised.
        package let outcome: ReplayOutcome
    }

    /// A rule that matched one event, and what it did.
    package struct TestedRun: Sendable {
        /// The event's place in `send`, counted from 1.
        package let event: Int

        /// The id of the rule.
        package let rule: String

        /// The state of the run at the end of the test.
        package let state: Run.State

        /// The steps, skipped ones included, in the order in which they were first tried or skipped.
        package let steps: [TestedStep]

        /// The steps that were tried, which are all but the skipped ones.
        package var tried: [TestedStep] { steps.filter { $0.status != .skipped } }

        /// The steps that failed for good, in their order.
        package var failed: [TestedStep] { steps.filter { $0.status == .failed } }
    }

    /// A step of a run, by its last attempt.
    package struct TestedStep: Sendable {
        /// The id of the step in its rule.
        package let id: String

        /// How the last attempt ended.
        package let status: StepRecord.Status

        /// How many attempts were made; 1 for a step that was skipped.
        package let attempts: Int

        /// Why the last attempt failed; nil where it did not.
        package let reason: String?

        /// What it would have done; nil for a skipped step, or where a value could not be at its place.
        package let plan: JSON?

        /// How long after the start of the test it was tried first.
        package let begin: Duration
    }

    /// Something that is not as the test expects.
    package enum Failure: Sendable {
        /// A sent event is no event.
        case unreadable(event: Int, reason: String)
        /// A mock gives an output that the step's action never leaves.
        case unknownOutput(RuleTest.Mock, key: String, known: [String])
        /// The rule ran for no event.
        case noRun(RuleTest.Expectation, isEnabled: Bool, [EventResult])
        /// The rule runs at the times of its schedule, and the test has no end.
        case needsEnd(RuleTest.Expectation)
        /// So much was due that the test was ended so long after its start.
        case endless(after: Duration)
        /// A run of the rule is not like the expectation that comes closest to it.
        case differs(RuleTest.Expectation, TestedRun, [Difference])
        /// Not as many runs as expected are like the expectation.
        case wrongCount(RuleTest.Expectation, expected: Int, actual: Int)
        /// A rule of `expect_none` ran.
        case unexpectedRun(TestedRun)
        /// Nothing is open as expected at the end; what else is open for the rule.
        case notPending(RuleTest.PendingExpectation, open: [OpenItem])
        /// Not as many timers were cancelled as expected; nil where one or more would do.
        case notCancelled(RuleTest.CancelledExpectation, expected: Int?, actual: Int)
    }

    /// Something that is open at the end of a test.
    package struct OpenItem: Sendable, Equatable {
        /// The rule.
        package let rule: String

        /// The key.
        package let key: StateKey

        /// What it is.
        package let kind: RuleTest.PendingKind

        /// When it is due; nil for a run in a queue.
        package let due: Date?

        /// How long after the start of the test that is; nil for a run in a queue.
        package let offset: Duration?
    }

    /// Why a rule did not match an event.
    package struct EventResult: Sendable {
        /// The event's place in `send`, counted from 1; those that rules raised are numbered on behind it.
        package let event: Int

        /// The name of the event.
        package let name: String

        /// How each test of the rule's condition came out for the event.
        package let findings: [ConditionFinding]
    }

    /// One point in which a run is not as expected.
    package enum Difference: Sendable {
        case end(expected: RuleTest.End, actual: Run.State)
        /// The step was tried at another time since the start of the test.
        case time(step: String, expected: Duration, actual: Duration)
        case steps(expected: [String], actual: [String])
        /// Tests of the plan that came out otherwise, with the values that they found.
        case plan(step: String, [ConditionFinding], plan: JSON)
        /// The step could not be planned.
        case noPlan(step: String, reason: String)
    }

    /// The test that was run.
    package let test: RuleTest

    /// The events of the test in the order of sending, then those that rules raised.
    package let sent: [Sent]

    /// The runs, by their events and then in the order of the rules.
    package let runs: [TestedRun]

    /// What was not as expected; empty for a test that passed.
    package let failures: [Failure]

    /// Whether everything was as expected.
    package var isPassed: Bool { failures.isEmpty }
}
