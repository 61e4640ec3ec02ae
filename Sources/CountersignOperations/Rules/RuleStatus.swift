import CountersignCore
package import CountersignRules
package import CountersignStore
package import Foundation

/// An active rule with its statistics.
package struct RuleStatus: Sendable {
    /// A step of a rule.
    package struct Step: Sendable, Equatable {
        /// The step's id, which no other step of its rule has.
        package let id: String

        /// The name of its action.
        package let action: String

        /// A step that calls an action.
        package init(id: String, action: String) {
            self.id = id
            self.action = action
        }
    }

    /// How far back runs are counted.
    package static let day: TimeInterval = 86_400

    /// The rule's id.
    package let id: String

    /// Its description; nil where it has none.
    package let summary: String?

    /// Whether the rule is enabled.
    package let isEnabled: Bool

    /// The events that it may match, as it writes them; nil for any.
    package let eventPatterns: [String]?

    /// When it runs after a match, and which of its runs wait for one another, in words; nil where each match runs at once.
    package let timing: String?

    /// The file that it is in, as messages name it.
    package let file: String

    /// The line of that file at which it begins, from 1.
    package let line: Int

    /// Its steps in their order.
    package let steps: [Step]

    /// Its runs of the last day, its failed runs and its newest run.
    package let statistics: RuleStatistics

    /// A rule that a client was told of.
    package init(
        id: String,
        summary: String?,
        isEnabled: Bool,
        eventPatterns: [String]?,
        timing: String? = nil,
        file: String,
        line: Int,
        steps: [Step],
        statistics: RuleStatistics
    ) {
        self.id = id
        self.summary = summary
        self.isEnabled = isEnabled
        self.eventPatterns = eventPatterns
        self.timing = timing
        self.file = file
        self.line = line
        self.steps = steps
        self.statistics = statistics
    }

    /// A compiled rule with its statistics.
    package init(_ rule: Rule, statistics: RuleStatistics) {
        self.init(
            id: rule.id,
            summary: rule.summary,
            isEnabled: rule.isEnabled,
            eventPatterns: rule.eventPatterns,
            timing: rule.timingText,
            file: rule.file,
            line: rule.line,
            steps: rule.steps.map { Step(id: $0.id, action: $0.action) },
            statistics: statistics
        )
    }
}
