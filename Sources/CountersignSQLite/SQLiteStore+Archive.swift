package import CountersignCore
package import CountersignStore
package import Foundation

/// What is read, the archive reads, beside the writer.
extension SQLiteStore {
    package func events(_ query: EventQuery) async throws -> [StoredEvent] { try await archive.events(query) }

    package func page(of query: EventQuery) async throws -> EventPage { try await archive.page(of: query) }

    package func eventIDs(_ query: EventQuery) async throws -> [Event.ID] { try await archive.eventIDs(query) }

    package func events(after position: EventPosition, limit: Int) async throws -> [StoredEvent] {
        try await archive.events(after: position, limit: limit)
    }

    package func event(_ id: Event.ID) async throws -> StoredEvent? { try await archive.event(id) }

    package func quarantined(_ query: QuarantineQuery) async throws -> [QuarantinedBody] {
        try await archive.quarantined(query)
    }

    package func quarantined(_ id: Int64) async throws -> QuarantinedBody? { try await archive.quarantined(id) }

    package func evaluations(of event: Event.ID) async throws -> [Evaluation] {
        try await archive.evaluations(of: event)
    }

    package func packages(_ query: PackageQuery) async throws -> PackagePage {
        try await archive.packages(query)
    }

    package func runs(_ query: RunQuery) async throws -> [Run] { try await archive.runs(query) }

    package func runs(of events: [Event.ID]) async throws -> [Run] { try await archive.runs(of: events) }

    package func runRows(_ query: RunQuery) async throws -> [RunRow] { try await archive.runRows(query) }

    package func records(of runs: [Run.ID]) async throws -> [Run.ID: [StepRecord]] {
        try await archive.records(of: runs)
    }

    package func run(_ id: Run.ID) async throws -> ClaimedRun? { try await archive.run(id) }

    package func statistics(ofRules ids: [String], since date: Date) async throws -> [String: RuleStatistics] {
        try await archive.statistics(ofRules: ids, since: date)
    }

    package func runCounts() async throws -> [Run.State: Int] { try await archive.runCounts() }

    package func runCount(ofRule id: String?, in state: Run.State) async throws -> Int {
        try await archive.runCount(ofRule: id, in: state)
    }

    package func activity(since date: Date) async throws -> [RunCounts] { try await archive.activity(since: date) }

    package func arrivals(since date: Date) async throws -> [Int: Int] { try await archive.arrivals(since: date) }

    package func backlog(at now: Date) async throws -> Backlog { try await archive.backlog(at: now) }

    package func runTimes(limit: Int) async throws -> [Duration] { try await archive.runTimes(limit: limit) }

    package func newest(
        _ count: Int,
        since: Date?,
        _ filter: TailFilter
    ) async throws -> (entries: [TailEntry], position: TailPosition) {
        try await archive.newest(count, since: since, filter)
    }

    package func entries(
        after position: TailPosition,
        _ filter: TailFilter
    ) async throws -> (entries: [TailEntry], position: TailPosition) {
        try await archive.entries(after: position, filter)
    }

    package func value(forKey key: String) async throws -> JSON? { try await archive.value(forKey: key) }

    package func latestSources() async throws -> JSON? { try await archive.latestSources() }

    package func sources(of ruleSet: RuleSetVersion) async throws -> JSON? { try await archive.sources(of: ruleSet) }
}
