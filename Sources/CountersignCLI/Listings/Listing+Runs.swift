import CountersignAdmin
package import CountersignModel
package import CountersignStore

/// A run as lists show it: with the package that it is about, and why it failed.
package struct RunRow: Sendable {
    package let run: Run
    package let eventName: String

    /// The package of the run's event; nil where the event has none.
    package let package: String?

    /// Why a run that failed, or was dropped since, did so; nil for all others.
    package let reason: String?

    /// A run whose attempts do not matter.
    package init(_ run: Run, for event: Event) {
        self.run = run
        eventName = event.name
        package = event.payload["packageId"]?.plainText
        reason = nil
    }

    package init(_ found: ClaimedRun) {
        run = found.run
        eventName = found.event.name
        package = found.event.payload["packageId"]?.plainText
        let failures = found.records.filter { $0.status == .failed && $0.round == found.run.retries }
        // What came first stopped the chain; later ones are of on_failure and always.
        let failure = failures.first { $0.isFinal } ?? failures.last
        let isOver = [.failed, .dropped].contains(found.run.state)
        let words = failure.map { [$0.stepID, $0.reason ?? ""].filter { !$0.isEmpty } }
        reason = isOver ? words?.joined(separator: ": ") : nil
    }

    fileprivate var json: JSON {
        var object = run.json(records: nil).object ?? JSONObject()
        object["event_name"] = .string(eventName)
        object["package"] = JSON(package)
        object["reason"] = JSON(reason)
        return .object(object)
    }
}

extension Archive {
    /// What lists show of runs, in the order given.
    ///
    /// - Throws: `StoreError`.
    func rows(of runs: [Run]) async throws -> [RunRow] {
        var rows: [RunRow] = []
        var events: [Event.ID: Event] = [:]
        for run in runs {
            if [.failed, .dropped].contains(run.state), let found = try await self.run(run.id) {
                rows.append(RunRow(found))
                continue
            }
            if events[run.eventID] == nil { events[run.eventID] = try await event(run.eventID)?.event }
            if let event = events[run.eventID] { rows.append(RunRow(run, for: event)) }
        }
        return rows
    }
}

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
            table.add([
                "\(run.id)", "\(run.eventID)", run.ruleID, run.state.rawValue, run.createdAt.tableTime,
                run.finishedAt?.tableTime ?? run.waiting ?? "", (row.package ?? "").bounded,
                (row.reason ?? "").bounded,
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

extension Run {
    /// What a queued run waits for, in words; nil when it only waits for a free worker.
    var waiting: String? {
        if let wait { return "waits for \(wait.destination)" }
        return state == .queued && dueAt > createdAt ? "due \(dueAt.tableTime)" : nil
    }
}
