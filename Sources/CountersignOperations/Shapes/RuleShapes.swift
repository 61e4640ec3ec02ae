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
            .always("id", .string) { .string($0.id) },
            .text("description") { $0.summary },
            .always("enabled", .boolean) { .bool($0.isEnabled) },
            .always("events", .nullable(.array(.string))) { status in
                status.eventPatterns.map { .array($0.map { .string($0) }) } ?? .null
            },
            .text("timing") { $0.timing },
            .always("file", .string) { .string($0.file) },
            .always("line", .count) { JSON($0.line) },
            .always("steps", .array(.object([("id", .string), ("action", .string)]))) { status in
                .array(status.steps.map { ["id": .string($0.id), "action": .string($0.action)] })
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

extension RuleStatus {
    /// Reads what `json` gives.
    ///
    /// - Throws: `OperationError` for anything else.
    package init(json: JSON) throws(OperationError) {
        let document = Document(json, "a rule")
        self.init(
            id: try document.text("id"),
            summary: try document.optionalText("description"),
            isEnabled: try document.flag("enabled"),
            eventPatterns: try document.optional("events") { $0.array?.compactMap(\.string) },
            timing: try document.optionalText("timing"),
            file: try document.text("file"),
            line: try document.count("line"),
            steps: try document.list("steps") { json throws(OperationError) in
                let step = Document(json, "a step")
                return RuleStatus.Step(id: try step.text("id"), action: try step.text("action"))
            },
            statistics: RuleStatistics(
                runs: try document.count("runs_last_day"),
                failed: try document.count("failed"),
                lastMatch: try document.optionalTime("last_match")
            )
        )
    }
}

extension RuleDetails {
    /// Reads what `json` gives.
    ///
    /// - Throws: `OperationError` for anything else.
    package init(json: JSON) throws(OperationError) {
        self.init(status: try RuleStatus(json: json), source: try Document(json, "a rule").text("source"))
    }
}

/// The active rules with their statistics, in order.
package struct RuleList: Sendable {
    /// The version of their set; nil where there never were any.
    package let version: RuleSetVersion?

    /// The rules in the order of their files.
    package let rules: [RuleStatus]

    /// The rules of one set.
    package init(version: RuleSetVersion?, rules: [RuleStatus]) {
        self.version = version
        self.rules = rules
    }

    /// The version of the set, and its rules.
    package static let shape = Shape<RuleList>(
        "RuleList",
        [
            .text("version") { $0.version?.rawValue },
            .always("rules", .array(.named("Rule"))) { .array($0.rules.map(\.json)) },
        ]
    )

    /// The list as the API gives it.
    package var json: JSON { Self.shape.json(self) }

    /// Reads what `json` gives.
    ///
    /// - Throws: `OperationError` for anything else.
    package init(json: JSON) throws(OperationError) {
        let document = Document(json, "a list of rules")
        self.init(
            version: try document.optionalText("version").map { RuleSetVersion(rawValue: $0) },
            rules: try document.list("rules") { json throws(OperationError) in try RuleStatus(json: json) }
        )
    }
}
