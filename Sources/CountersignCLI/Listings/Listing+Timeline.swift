import CountersignCore
import CountersignOperations
import CountersignStore
import CountersignTerminal
import Foundation

extension PackageTimeline {
    /// The package's timeline as a table, below a summary; the age of what is pending is that at `now`.
    func text(on terminal: Terminal, at now: Date) -> String {
        var table = Table([
            .time("TIME", yields: 2), "SUBJECT", .init("EVENT", yields: 1, minimum: 16),
            .init("STATE", style: { Style.of($0) }),
            .init("DETAIL", yields: 3, minimum: 10),
        ])
        for entry in entries { table.add(entry.cells) }
        let failed = runs.count { $0.run.state == .failed }
        let failedWords = failed == 0 ? "" : Style.bad.applied(to: ", \(failed) failed", on: terminal)
        return """
            package     \(packageID.printable)
            events      \(hasEarlier ? "the newest " : "")\(events.count), the last one \(events.last?.event.name.printable ?? "none")
            runs        \(runs.count)\(failedWords)

            \(table.text(on: terminal))
            """ + pendingText(on: terminal, at: now)
    }
}

extension PackageTimeline {
    /// What is pending for the package, below its timeline; empty where nothing is.
    fileprivate func pendingText(on terminal: Terminal, at now: Date) -> String {
        guard !pending.isEmpty else { return "" }
        let list = PendingList(items: pending, hasMore: false, at: now)
        return "\n\n" + Style.heading.applied(to: "pending", on: terminal) + "\n"
            + Listing.pending(list).text(on: terminal)
    }
}

extension PackageTimeline.Entry {
    fileprivate var cells: [String] {
        switch self {
        case .event(let stored):
            let payload = stored.event.payload
            let detail = ["sessionUser", "message"].compactMap { payload[$0]?.plainText }.filter { !$0.isEmpty }
            return [
                stored.event.receivedAt.tableTime, "event \(stored.event.id)", stored.event.name,
                stored.event.origin.rawValue, stored.damage ?? detail.joined(separator: ": "),
            ]
        case .run(let run):
            return [run.createdAt.tableTime, "run \(run.id)", run.ruleID, run.state.rawValue, run.outcome]
        case .attempt(let run, let record):
            let step = record.stepID ?? "(run)"
            return [
                record.finishedAt.tableTime, "run \(run.id)", "\(run.ruleID) / \(step)", record.status.rawValue,
                record.detail,
            ]
        }
    }
}

extension Run {
    /// How long after its making it ended, or what it waits for.
    fileprivate var outcome: String {
        guard let finishedAt else { return waiting(\.tableTime) ?? "" }
        let time = finishedAt.timeIntervalSince(createdAt)
        return "after \(Duration.milliseconds(Int64((time * 1_000).rounded())).text)"
    }
}

extension StepRecord {
    /// How long it took, which try it was, and why it failed.
    fileprivate var detail: String {
        let tries = attempt > 1 ? ["try \(attempt)"] : []
        let time = status == .skipped ? [] : ["in \(took)"]
        return (time + tries).joined(separator: ", ") + (reason.map { ": \($0)" } ?? "")
    }
}
