package import CountersignCore
package import CountersignStore
package import Foundation

/// Lists that people page through, and how much happens.
extension PostgreSQLArchive {
    /// One page of events, the newest first; a search for a text or an origin ends at `EventQuery.searchDepth`.
    package func page(of query: EventQuery) async throws -> EventPage {
        let text = query.text ?? ""
        guard !text.isEmpty || query.origin != nil else {
            var more = query
            more.limit += 1
            return EventPage(try await events(more), limit: query.limit)
        }
        return try await search(query, for: text)
    }

    /// How many events a search reads at a time.
    private static let slice = 250

    /// Looks through events for a text or an origin, which no index goes by.
    private func search(_ query: EventQuery, for text: String) async throws -> EventPage {
        let search = TextSearch(text)
        var slice = query
        slice.origin = nil
        slice.limit = Self.slice
        var found: [StoredEvent] = []
        var seen = 0
        while found.count < query.limit, seen < EventQuery.searchDepth {
            let rows = try await all(queries.events(slice)) { EventRow($0) }
            for row in rows {
                seen += 1
                slice.before = EventPosition(receivedAt: row.receivedAt, id: Event.ID(rawValue: row.id))
                guard query.origin.map({ $0.code == row.origin }) ?? true, search.matches(row.body) else { continue }
                found.append(row.listedEvent(in: name))
                if found.count == query.limit { return EventPage(events: found, next: slice.before) }
            }
            if rows.count < Self.slice { return EventPage(events: found, next: nil) }
        }
        return EventPage(events: found, next: slice.before)
    }

    /// Runs as lists show them, the newest first; a damaged one shows what is damaged.
    package func runRows(_ query: RunQuery) async throws -> [RunRow] {
        let queries = queries
        let (runs, events, records) = try await read { connection in
            let runs = try connection.execute([queries.runs(query)])[0].map { Run($0) }
            let failed = runs.filter(RunRow.showsReason).map(\.id)
            let rows = try connection.execute([
                queries.events(Set(runs.map(\.eventID.rawValue)).sorted()), queries.steps(of: failed),
            ])
            return (runs, rows[0].map { EventRow($0) }, rows[1].stepsByRun())
        }
        let stored = Dictionary(events.map { ($0.id, $0.listedEvent(in: name)) }) { first, _ in first }
        return runs.compactMap { run in
            let attempts = (records[run.id] ?? []).map { $0.listedRecord(in: name) }
            return stored[run.eventID.rawValue]
                .map { RunRow(run, for: $0.event, records: attempts, damage: run.damage ?? $0.damage) }
        }
    }

    /// All attempts of these runs, in the order in which they were made; a run without any is left out.
    package func records(of runs: [Run.ID]) async throws -> [Run.ID: [StepRecord]] {
        try await steps(of: runs).mapValues { rows in rows.map { $0.listedRecord(in: name) } }
    }

    /// The statistics of these rules; a rule without runs has empty ones.
    package func statistics(ofRules ids: [String], since date: Date) async throws -> [String: RuleStatistics] {
        let rows = try await all(queries.statistics(ofRules: ids)) { row in
            (rule: row.text(0), statistics: RuleStatistics(failed: row.count(1), lastMatch: row.optionalTime(2)))
        }
        var statistics = Dictionary(rows.map { ($0.rule, $0.statistics) }) { first, _ in first }
        for count in try await activity(since: date) { statistics[count.ruleID]?.runs += count.count }
        return statistics
    }

    /// How many runs of a rule, or of all rules where `id` is nil, are in a state.
    package func runCount(ofRule id: String?, in state: Run.State) async throws -> Int {
        try await all(queries.runCount(ofRule: id, in: state)) { $0.count(0) }.first ?? 0
    }

    /// How many runs were made in each hour since `date`, by rule and state; damaged runs are left out.
    package func activity(since date: Date) async throws -> [RunCounts] {
        try await all(queries.activity(since: date)) { row in
            Run.State(code: row.integer(2))
                .map { RunCounts(hour: row.count(0), ruleID: row.text(1), state: $0, count: row.count(3)) }
        }
        .compactMap(\.self)
    }

    /// How many events were stored in each hour since `date`, by the number of the hour since 1970.
    package func arrivals(since date: Date) async throws -> [Int: Int] {
        let counts = try await all(queries.arrivals(since: date)) { ($0.count(0), $0.count(1)) }
        return Dictionary(counts) { first, _ in first }
    }

    /// The events that are not evaluated yet, and the queued runs, as they are at `now`.
    package func backlog(at now: Date) async throws -> Backlog {
        let clock = queries.clock
        let found = try await all(queries.backlog(at: now)) { row in
            Backlog(
                events: row.count(0),
                oldestEvent: row.optionalTime(1).map { clock.date($0) },
                runs: row.count(2),
                dueRuns: row.count(3),
                oldestDue: row.optionalTime(4).map { clock.date($0) }
            )
        }
        return found.first ?? Backlog(events: 0, oldestEvent: nil, runs: 0, dueRuns: 0, oldestDue: nil)
    }

    /// The times from storing an event to the end of its run, for those of the latest `limit` runs that succeeded.
    package func runTimes(limit: Int) async throws -> [Duration] {
        try await all(queries.runTimes(limit: limit)) { .milliseconds($0.integer(0)) }
    }
}
