import CountersignModel
import CountersignRules

extension Listing {
    /// Rules with their statistics, in the order given.
    static func rules(_ statuses: [RuleStatus]) -> Listing {
        var table = Table([
            .init("RULE", yields: 1, minimum: 12), .init("ENABLED", minimum: 3, style: { $0 == "no" ? .faint : nil }),
            .init("EVENTS", yields: 3, minimum: 10), .init("RUNS/DAY", isNumber: true),
            .init("FAILED", isNumber: true, style: { $0 == "0" ? nil : .bad }), .time("LAST MATCH", yields: 2),
            .init("FILE", yields: 4, minimum: 8),
        ])
        for status in statuses {
            table.add([
                status.rule.id, status.rule.isEnabled ? "yes" : "no",
                status.rule.eventPatterns?.joined(separator: ", ") ?? "any",
                "\(status.runsOfTheDay)", "\(status.failed)", status.lastMatch?.tableTime ?? "never",
                status.rule.file,
            ])
        }
        return Listing(table: table, objects: statuses.map(\.json), none: "there are no active rules")
    }
}

extension RuleStatus {
    /// The rule as `--json` prints it.
    var json: JSON {
        [
            "id": .string(rule.id), "enabled": .bool(rule.isEnabled), "description": JSON(rule.summary),
            "events": rule.eventPatterns.map { .array($0.map { .string($0) }) } ?? .null, "file": .string(rule.file),
            "runs_last_day": JSON(runsOfTheDay),
            "failed": JSON(failed), "last_match": JSON(lastMatch?.rfc3339),
            "steps": .array(rule.steps.map { ["id": .string($0.id), "action": .string($0.action)] }),
        ]
    }
}
