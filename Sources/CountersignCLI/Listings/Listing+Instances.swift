import CountersignCore
import CountersignOperations
import CountersignStore
import CountersignTerminal
import Foundation

extension Listing {
    /// The instances of a store, and below them the active rules.
    static func instances(_ list: InstanceList, limit: Int) -> Listing {
        var table = Table([
            .init("INSTANCE", minimum: 8), .init("STATUS", style: { $0 == "up" ? nil : .bad }), .init("VERSION"),
            .time("STARTED", yields: 3), .time("LAST SEEN", yields: 2),
            .init("RULES", style: { $0 == "active" ? nil : .bad }),
            .init("FOLDER", style: { $0 == "active" ? nil : .bad }),
            .init("SCRIPTS", yields: 4, style: { $0 == "differ" ? .bad : nil }), .init("CLOCK", isNumber: true),
            .init("RUNS", isNumber: true), .init("HOLDS", yields: 1),
            .init("SPOOLED", isNumber: true, style: { $0 == "0" ? nil : .bad }),
        ])
        let shown = Array(list.instances.prefix(limit))
        for instance in shown {
            let report = instance.report
            table.add([
                instance.name, instance.isUp(at: list.at) ? "up" : "down", report.version,
                instance.startedAt.tableTime, instance.seenAt.tableTime,
                report.activation == list.activation?.number ? "active" : "behind",
                report.folder == nil ? "unreadable" : report.folder == list.activation?.ruleSet ? "active" : "differs",
                list.scripts(of: instance).rawValue, "\(instance.clockOffset.milliseconds) ms", "\(instance.runs)",
                instance.singletons.map(\.words).joined(separator: ", "), "\(report.spooled)",
            ])
        }
        return Listing(
            table: table,
            objects: list.json["instances"]?.array.map { Array($0.prefix(limit)) } ?? [],
            none: "no instance is running",
            note: list.summary
        )
    }
}

extension InstanceList {
    /// The active rules, and which instance says so.
    fileprivate var summary: String? {
        let rules = activation.map {
            "Rule set \($0.ruleSet.short) is active since \($0.since.tableTime) (activation \($0.number)), activated "
                + "\($0.cause)."
        }
        let sentences = [rules, answering.map { "Answered by instance '\($0.printable)'." }].compactMap(\.self)
        return sentences.isEmpty ? nil : sentences.joined(separator: "\n")
    }
}
