import CountersignCore
import CountersignOperations
import CountersignRules
import CountersignStore
import CountersignTerminal

extension Listing {
    /// Rules with their statistics, in the order given.
    static func rules(_ statuses: [RuleStatus]) -> Listing {
        var table = Table([
            .init("RULE", yields: 1, minimum: 12),
            .init("ENABLED", minimum: 3, style: { $0 == "no" ? .faint : $0 == "paused" ? .pending : nil }),
            .init("EVENTS", yields: 3, minimum: 10), .init("RUNS/DAY", isNumber: true),
            .init("FAILED", isNumber: true, style: { $0 == "0" ? nil : .bad }), .time("LAST MATCH", yields: 2),
            .init("FILE", yields: 4, minimum: 8),
        ])
        for status in statuses {
            table.add([
                status.id, status.isEnabled ? status.pause == nil ? "yes" : "paused" : "no",
                status.eventPatterns?.joined(separator: ", ") ?? "any",
                "\(status.statistics.runs)", "\(status.statistics.failed)",
                status.statistics.lastMatch?.tableTime ?? "never",
                status.file,
            ])
        }
        return Listing(table: table, objects: statuses.map(\.json), none: "there are no active rules")
    }
}
