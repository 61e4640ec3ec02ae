import CountersignAdmin
package import CountersignModel

extension Listing {
    /// Runs, in the order given.
    package static func runs(_ runs: [Run]) -> Listing {
        var table = Table([
            .init("ID", isNumber: true), .init("EVENT", isNumber: true), .init("RULE", yields: 1, minimum: 12), .state,
            .time("CREATED", yields: 3), .time("FINISHED", yields: 2),
        ])
        for run in runs {
            table.add([
                "\(run.id)", "\(run.eventID)", run.ruleID, run.state.rawValue, run.createdAt.tableTime,
                run.finishedAt?.tableTime ?? run.waiting ?? "",
            ])
        }
        return Listing(table: table, objects: runs.map { $0.json(records: nil) }, none: "no runs")
    }
}

extension Run {
    /// What a queued run waits for, in words; nil when it only waits for a free worker.
    var waiting: String? {
        if let wait { return "waits for \(wait.destination)" }
        return state == .queued && dueAt > createdAt ? "due \(dueAt.tableTime)" : nil
    }
}
