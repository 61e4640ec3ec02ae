package import CountersignCore
import CountersignRules
import CountersignStore
import Foundation

/// The documents about rules.
extension RuleStatus {
    /// A rule of a list; `events` is null where its condition is not limited to certain events.
    package static let shape = Shape<RuleStatus>(
        "Rule",
        [
            .always("id", .string) { .string($0.rule.id) },
            .text("description") { $0.rule.summary },
            .always("enabled", .boolean) { .bool($0.rule.isEnabled) },
            .always("events", .nullable(.array(.string))) { status in
                status.rule.eventPatterns.map { .array($0.map { .string($0) }) } ?? .null
            },
            .always("file", .string) { .string($0.rule.file) },
            .always("line", .count) { JSON($0.rule.line) },
            .always("steps", .array(.object([("id", .string), ("action", .string)]))) { status in
                .array(status.rule.steps.map { ["id": .string($0.id), "action": .string($0.action)] })
            },
            .always("runs_last_day", .count) { JSON($0.statistics.runs) },
            .always("failed", .count) { JSON($0.statistics.failed) },
            .time("last_match") { $0.statistics.lastMatch?.rfc3339 },
        ]
    )

    /// The rule as the API and `--json` list it.
    package var json: JSON { Self.shape.json(self) }
}

/// A rule with its statistics and its source.
package struct RuleDetails: Sendable {
    /// The rule with its statistics.
    package let status: RuleStatus

    /// The rule as its file has it; empty where the store no longer has the file.
    package let source: String

    /// A rule with its statistics, and the lines of its file.
    package init(status: RuleStatus, source: String) {
        self.status = status
        self.source = source
    }

    /// The document of one rule: the members of a list and its source.
    package static let shape = Shape<RuleDetails>(
        "RuleWithSource",
        RuleStatus.shape.members { $0.status } + [.always("source", .string) { .string($0.source) }]
    )

    /// The rule as the API and `--json` show it.
    package var json: JSON { Self.shape.json(self) }
}
