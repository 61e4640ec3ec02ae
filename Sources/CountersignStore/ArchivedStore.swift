package import CountersignCore
package import Foundation

/// A store that writes, and has an archive beside it that reads.
package protocol ArchivedStore: Archive, TailingStore {
    /// What reads.
    associatedtype Reader: Archive, TailingStore

    /// Reads what the store has committed.
    var archive: Reader { get }
}

/// What is read, the archive reads.
extension ArchivedStore {
    /// Events that meet the query, the newest first; the text of the query is ignored.
    package func events(_ query: EventQuery) async throws -> [StoredEvent] { try await archive.events(query) }

    /// One page of events, the newest first.
    package func page(of query: EventQuery) async throws -> EventPage { try await archive.page(of: query) }

    /// The numbers of the events that meet the query, the oldest first; the limit keeps the oldest ones.
    package func eventIDs(_ query: EventQuery) async throws -> [Event.ID] { try await archive.eventIDs(query) }

    /// The events behind `position`, the oldest first.
    package func events(after position: EventPosition, limit: Int) async throws -> [StoredEvent] {
        try await archive.events(after: position, limit: limit)
    }

    /// One event with its body; nil when there is none of this number.
    package func event(_ id: Event.ID) async throws -> StoredEvent? { try await archive.event(id) }

    /// Quarantined bodies that meet the query, those with the highest numbers first.
    package func quarantined(_ query: QuarantineQuery) async throws -> [QuarantinedBody] {
        try await archive.quarantined(query)
    }

    /// One quarantined body; nil when there is none of this number.
    package func quarantined(_ id: Int64) async throws -> QuarantinedBody? { try await archive.quarantined(id) }

    /// The evaluations of an event by replays, in their order, without those whose rows are damaged.
    package func evaluations(of event: Event.ID) async throws -> [Evaluation] {
        try await archive.evaluations(of: event)
    }

    /// One page of the packages that events name.
    package func packages(_ query: PackageQuery) async throws -> PackagePage {
        try await archive.packages(query)
    }

    /// Runs that meet the query, those with the highest numbers first.
    package func runs(_ query: RunQuery) async throws -> [Run] { try await archive.runs(query) }

    /// The runs of these events, in the order in which they were made.
    package func runs(of events: [Event.ID]) async throws -> [Run] { try await archive.runs(of: events) }

    /// Runs as lists show them, the newest first; a damaged one shows what is damaged.
    package func runRows(_ query: RunQuery) async throws -> [RunRow] { try await archive.runRows(query) }

    /// All attempts of these runs, in the order in which they were made; a run without any is left out.
    package func records(of runs: [Run.ID]) async throws -> [Run.ID: [StepRecord]] {
        try await archive.records(of: runs)
    }

    /// One run with its event and attempts; nil when there is none of this number.
    package func run(_ id: Run.ID) async throws -> ClaimedRun? { try await archive.run(id) }

    /// The statistics of these rules; a rule without runs has empty ones.
    package func statistics(ofRules ids: [String], since date: Date) async throws -> [String: RuleStatistics] {
        try await archive.statistics(ofRules: ids, since: date)
    }

    /// How many runs are in each state that has any; a state that is damaged is left out.
    package func runCounts() async throws -> [Run.State: Int] { try await archive.runCounts() }

    /// How many runs of a rule, or of all rules where `id` is nil, are in a state.
    package func runCount(ofRule id: String?, in state: Run.State) async throws -> Int {
        try await archive.runCount(ofRule: id, in: state)
    }

    /// How many runs were made in each hour since `date`, by rule and state; damaged runs are left out.
    package func activity(since date: Date) async throws -> [RunCounts] { try await archive.activity(since: date) }

    /// How many events were stored in each hour since `date`, by the number of the hour since 1970.
    package func arrivals(since date: Date) async throws -> [Int: Int] { try await archive.arrivals(since: date) }

    /// The events that are not evaluated yet, and the queued runs, as they are at `now`.
    package func backlog(at now: Date) async throws -> Backlog { try await archive.backlog(at: now) }

    /// The times from storing an event to the end of its run, for those of the latest `limit` runs that succeeded.
    package func runTimes(limit: Int) async throws -> [Duration] { try await archive.runTimes(limit: limit) }

    /// The newest `count` entries or those since a time, the oldest first, and from where to go on.
    package func newest(
        _ count: Int,
        since: Date?,
        _ filter: TailFilter
    ) async throws -> (entries: [TailEntry], position: TailPosition) {
        try await archive.newest(count, since: since, filter)
    }

    /// What happened after `position`, the oldest first, and from where to go on.
    package func entries(
        after position: TailPosition,
        _ filter: TailFilter
    ) async throws -> (entries: [TailEntry], position: TailPosition) {
        try await archive.entries(after: position, filter)
    }

    /// The value that was set last for `key`; nil when there is none.
    package func value(forKey key: String) async throws -> JSON? { try await archive.value(forKey: key) }

    /// The sources of the rule set that was kept last; nil when none was.
    package func activation() async throws -> Activation? { try await archive.activation() }

    /// The instances that share the store, by name; none for a store that one process has alone.
    package func instances() async throws -> [InstanceRecord] { try await archive.instances() }

    /// When this rule set was activated last; nil where it never was.
    package func activation(of ruleSet: RuleSetVersion) async throws -> Activation? {
        try await archive.activation(of: ruleSet)
    }

    /// The sources of a rule set; nil when they were never kept.
    package func sources(of ruleSet: RuleSetVersion) async throws -> JSON? { try await archive.sources(of: ruleSet) }
}
