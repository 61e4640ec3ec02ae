package import CountersignCore
package import Foundation

extension RuleTest {
    /// The key by which a rule counts, waits or queues, as a test writes it.
    package struct Key: Sendable, Equatable {
        /// The values that `per` names; none for one key of the whole rule.
        package let values: [JSON]

        /// Whether a key of the store is meant: a number may be written for a text of digits, and `rule` for no values.
        package func matches(_ key: StateKey) -> Bool {
            guard let found = (try? JSON(parsing: key.text))?.array else { return false }
            if found.isEmpty, values == ["rule"] { return true }
            return found.count == values.count
                && zip(found, values)
                    .allSatisfy { found, value in
                        found == value || found.string.map { $0 == value.plainText } ?? false
                    }
        }
    }

    /// What can be open.
    package enum PendingKind: String, Sendable, CaseIterable {
        /// A timer of `after`.
        case timer
        /// The newest event of a `debounce`.
        case debounce
        /// What a `digest` has gathered.
        case digest
        /// The next occurrence of a schedule.
        case schedule
        /// A run that waits behind others of its concurrency key.
        case queue
    }

    /// When something is due.
    package enum Moment: Sendable, Equatable {
        /// This long after the start of the test.
        case offset(Duration)
        /// At this time.
        case time(Date)

        /// The time, in a test that begins at `start`.
        package func date(from start: Date) -> Date {
            switch self {
            case .offset(let duration): start.addingTimeInterval(duration.timeInterval)
            case .time(let date): date
            }
        }
    }

    /// Something that should be open at the end.
    package struct PendingExpectation: Sendable {
        /// The id of the rule.
        package let rule: String

        /// The key; nil where it does not matter.
        package let key: Key?

        /// What is open; nil where that does not matter.
        package let kind: PendingKind?

        /// When it should be due, to the second; nil where that does not matter.
        package let due: Moment?

        /// The position of the rule's id, for reports.
        package let span: SourceSpan
    }

    /// Timers that an event should have cancelled.
    package struct CancelledExpectation: Sendable {
        /// The id of the rule.
        package let rule: String

        /// The key; nil where it does not matter.
        package let key: Key?

        /// The name of the event that cancelled them; nil where it does not matter.
        package let event: String?

        /// How many timers; nil where one or more will do.
        package let times: Int?

        /// The position of the rule's id, for reports.
        package let span: SourceSpan
    }
}
