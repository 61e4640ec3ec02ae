package import CountersignModel
package import CountersignStore

/// A run as lists show it: with the package that it is about, and why it failed.
package struct RunRow: Sendable {
    package let run: Run
    package let eventName: String

    /// The package of the run's event; nil where the event has none.
    package let package: String?

    /// Why a run failed that failed, or was discarded since; why the last try failed of one that waits for the next one; nil
    /// for all others.
    package let reason: String?

    /// A run whose attempts do not matter.
    package init(_ run: Run, for stored: StoredEvent) {
        self.run = run
        eventName = stored.event.name
        package = stored.event.payload.packageID
        reason = run.damage ?? stored.damage
    }

    package init(_ found: ClaimedRun) {
        run = found.run
        eventName = found.event.name
        package = found.event.payload.packageID
        let failures = found.records.filter { $0.status == .failed && $0.generation == found.run.retries }
        // What came first stopped the chain; later ones are of on_failure and always.
        let failure = failures.first { $0.isFinal } ?? failures.last
        let isTold = [.failed, .discarded, .queued].contains(found.run.state)
        let words = failure.map { [$0.stepID, $0.reason].compactMap { $0 } }
        reason = found.damage ?? (isTold ? words?.joined(separator: ": ") : nil)
    }

    /// The run as the API and `--json` list it.
    package var json: JSON {
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
    package func rows(of runs: [Run]) async throws -> [RunRow] {
        var rows: [RunRow] = []
        var events: [Event.ID: StoredEvent] = [:]
        for run in runs {
            let isToldWhy = [.failed, .discarded].contains(run.state) || run.waitsForNextTry
            if isToldWhy, let found = try await self.run(run.id) {
                rows.append(RunRow(found))
                continue
            }
            if events[run.eventID] == nil { events[run.eventID] = try await event(run.eventID) }
            if let event = events[run.eventID] { rows.append(RunRow(run, for: event)) }
        }
        return rows
    }

    /// Runs, the newest first; only those for events of a package, where one is given.
    ///
    /// - Throws: `StoreError`.
    package func runs(_ query: RunQuery, ofPackage package: String?) async throws -> [Run] {
        guard let package else { return try await runs(query) }
        // A package has a handful of events.
        var runs: [Run] = []
        for event in try await eventIDs(EventQuery(packageID: package, limit: .max))
        where query.eventID == nil || query.eventID == event {
            var query = query
            query.eventID = event
            runs += try await self.runs(query)
        }
        return Array(runs.sorted { $0.id.rawValue > $1.id.rawValue }.prefix(query.limit))
    }
}
