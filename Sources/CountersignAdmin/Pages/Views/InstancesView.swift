import CountersignCore
import CountersignOperations
import CountersignStore
import Foundation

/// The instances that share the store.
struct InstancesView {
    struct Row {
        let name: String
        let isDown: Bool
        let version: String
        let startedAt: String
        let seenAt: String
        let seenIso: String

        /// What of the rules is not as it should be; nil where all is.
        let ruleFault: String?

        /// Whether the scripts beside the rules are others than those of the other instances.
        let hasOtherScripts: Bool
        let clock: String
        let runs: Int
        let holds: String
        let spooled: Int
        let hasSpooled: Bool
    }

    let rules: String

    /// What to do about scripts that differ; nil where they do not.
    let scriptFault: String?
    let instances: [Row]

    init(_ list: InstanceList) {
        rules =
            list.activation.map {
                "Rule set \($0.ruleSet.short) is active since \($0.since.shown) (activation \($0.number)), activated "
                    + "\($0.cause)."
            } ?? "There have never been active rules."
        scriptFault = list.scriptsDiffer ? "Warning: \(InstanceList.scriptAdvice): \(list.scriptVersions)." : nil
        instances = list.instances.map { Row($0, in: list) }
    }
}

extension InstancesView.Row {
    fileprivate init(_ instance: InstanceRecord, in list: InstanceList) {
        let report = instance.report
        name = instance.name.printable
        isDown = !instance.isUp(at: list.at)
        version = report.version
        startedAt = instance.startedAt.shown
        seenAt = instance.seenAt.shown
        seenIso = instance.seenAt.rfc3339
        ruleFault =
            report.activation != list.activation?.number
            ? "not the active ones"
            : report.folder == nil
                ? "folder unreadable" : report.folder == list.activation?.ruleSet ? nil : "folder differs"
        hasOtherScripts = list.scripts(of: instance) == .differ
        clock = "\(instance.clockOffset.milliseconds) ms"
        runs = instance.runs
        holds = instance.singletons.map(\.words).joined(separator: ", ")
        spooled = report.spooled
        hasSpooled = report.spooled > 0
    }
}
