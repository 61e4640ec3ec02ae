import CountersignCore
import CountersignOperations
package import CountersignStore
import CountersignTerminal

extension Listing {
    /// Runs, in the order given.
    package static func runs(_ rows: [RunRow]) -> Listing {
        var table = Table([
            .init("ID", isNumber: true), .init("EVENT", isNumber: true), .init("RULE", yields: 1, minimum: 12), .state,
            .time("CREATED", yields: 5), .time("FINISHED", yields: 4), .init("PACKAGE", yields: 3, minimum: 10),
            .init("REASON", yields: 2, minimum: 12),
        ])
        for row in rows {
            let run = row.run
            let end: String = run.finishedAt?.tableTime ?? run.waiting(\.tableTime) ?? ""
            table.add([
                "\(run.id)", "\(run.eventID)", run.ruleID, run.state.rawValue, run.createdAt.tableTime, end,
                (row.package ?? "").bounded, (row.reason ?? "").bounded,
            ])
        }
        return Listing(table: table, objects: rows.map(\.json), none: "no runs")
    }
}

extension String {
    /// The text in a table, of which the first line and so many signs are enough; `--json` has all of it.
    var bounded: String {
        let line = prefix { !$0.isNewline }
        let most = 120
        return line.count > most || line.count < count ? line.prefix(most) + "…" : self
    }
}
