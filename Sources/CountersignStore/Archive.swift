package import CountersignCore
package import Foundation

/// What people ask of the store; reads only.
package protocol Archive: StateArchive {
    /// Events, the newest first: by the time of storing, then by number.
    func events(_ query: EventQuery) async throws -> [StoredEvent]

    /// One page of events, the newest first, and where the next one begins.
    ///
    /// Looking for a text goes through `EventQuery.searchDepth` events at most; the page then says where to go on.
    func page(of query: EventQuery) async throws -> EventPage

    /// The numbers of events, the oldest first: by the time of storing, then by number.
    func eventIDs(_ query: EventQuery) async throws -> [Event.ID]

    /// The events behind `position`, the oldest first: the pages of a walk through the whole store.
    func events(after position: EventPosition, limit: Int) async throws -> [StoredEvent]

    /// One event with its body as it came; nil when there is none.
    func event(_ id: Event.ID) async throws -> StoredEvent?

    /// Bodies that could not be read and arrived at `since` or later, the newest first.
    func quarantined(_ query: QuarantineQuery) async throws -> [QuarantinedBody]

    /// One body that could not be read; nil when there is none of this number.
    func quarantined(_ id: Int64) async throws -> QuarantinedBody?

    /// The evaluations of an event by replays, in their order; the first one, by the dispatcher, is part of the event.
    func evaluations(of event: Event.ID) async throws -> [Evaluation]

    /// Packages that something happened to, the latest first; in the order of ids where only a prefix is asked for.
    ///
    /// Looking for an event or a time goes through `EventQuery.searchDepth` events at most; the page then says where to go
    /// on.
    func packages(_ query: PackageQuery) async throws -> PackagePage

    /// The id under which the log and traces tell of an event's way.
    func traceID(of event: Event) async throws -> TraceID

    /// Runs, newest first.
    func runs(_ query: RunQuery) async throws -> [Run]

    /// Runs as lists show them, newest first.
    func runRows(_ query: RunQuery) async throws -> [RunRow]

    /// All attempts of these runs, in the order in which they were made.
    func records(of runs: [Run.ID]) async throws -> [Run.ID: [StepRecord]]

    /// The runs of these events, in the order of making.
    func runs(of events: [Event.ID]) async throws -> [Run]

    /// One run with its event and every attempt; nil when there is none.
    func run(_ id: Run.ID) async throws -> ClaimedRun?

    /// How many runs there are in each state that has any.
    func runCounts() async throws -> [Run.State: Int]

    /// How many runs of a rule, or of all rules, are in a state.
    func runCount(ofRule id: String?, in state: Run.State) async throws -> Int

    /// The statistics of these rules, with the runs that were made since `date`.
    func statistics(ofRules ids: [String], since date: Date) async throws -> [String: RuleStatistics]

    /// How many runs were made in each hour since `date`, by rule and state.
    func activity(since date: Date) async throws -> [RunCounts]

    /// How many events were stored in each hour since `date`; an hour goes by its number since 1970.
    func arrivals(since date: Date) async throws -> [Int: Int]

    /// What waits to be evaluated and to be done at `now`.
    func backlog(at now: Date) async throws -> Backlog

    /// How long it took from the storing of an event to the end of its run, for the latest runs that succeeded.
    func runTimes(limit: Int) async throws -> [Duration]

    /// The active rule set; nil before the first one.
    func activation() async throws -> Activation?

    /// The instances that share the store, by name; none for a store that one process has alone.
    func instances() async throws -> [InstanceRecord]

    /// When this rule set was activated last; nil where it never was.
    func activation(of ruleSet: RuleSetVersion) async throws -> Activation?

    /// The sources of a rule set; nil when it was never kept.
    func sources(of ruleSet: RuleSetVersion) async throws -> JSON?

    /// The fact that was kept last under `name`; nil when there is none.
    func value(forKey key: String) async throws -> JSON?
}

extension Archive {
    /// The sources of the active rule set; nil before the first one.
    ///
    /// - Throws: `StoreError`.
    package func activeSources() async throws -> JSON? {
        guard let activation = try await activation() else { return nil }
        return try await sources(of: activation.ruleSet)
    }

    /// None: one process has the store alone.
    package func instances() async throws -> [InstanceRecord] { [] }
}

extension Archive where Self: Inbox {
    /// The trace id that follows from this store's `identity` and the event.
    package func traceID(of event: Event) async throws -> TraceID { TraceID(store: identity, event: event) }
}

/// What the rules of a set came to for an event when it was replayed.
package struct Evaluation: Sendable, Hashable {
    /// When the replay evaluated the event.
    package let at: Date

    /// The rule set that the replay evaluated the event by.
    package let ruleSet: RuleSetVersion

    /// Which rules of that set matched, without those that turned out not to match once the package was known.
    package let matchSet: MatchSet

    /// The evaluation by `ruleSet` at a time, as a store read it.
    package init(at: Date, ruleSet: RuleSetVersion, matchSet: MatchSet) {
        self.at = at
        self.ruleSet = ruleSet
        self.matchSet = matchSet
    }
}

/// An event as it lies in the store.
package struct StoredEvent: Sendable {
    /// The event, with its package where that is kept; without a payload where the event is damaged.
    package let event: Event

    /// The body as it came, byte for byte.
    package let body: [UInt8]

    /// How many further deliveries of the same event arrived.
    package let duplicates: Int

    /// When its runs were made; nil while it waits.
    package let dispatchedAt: Date?

    /// The rule set that evaluated it.
    package let ruleSet: RuleSetVersion?

    /// Which of that set's rules matched; nil while the event waits.
    package let matchSet: MatchSet?

    /// Why the event cannot be trusted any more: the disk holds something else than was stored.
    package let damage: String?

    /// An event as a store read it; `damage` is nil for one that is intact.
    package init(
        event: Event,
        body: [UInt8],
        duplicates: Int,
        dispatchedAt: Date?,
        ruleSet: RuleSetVersion?,
        matchSet: MatchSet?,
        damage: String? = nil
    ) {
        self.event = event
        self.body = body
        self.duplicates = duplicates
        self.dispatchedAt = dispatchedAt
        self.ruleSet = ruleSet
        self.matchSet = matchSet
        self.damage = damage
    }
}

/// A body that could not be read as an event.
package struct QuarantinedBody: Sendable {
    /// The number under which it is kept, counted apart from the numbers of events.
    package let id: Int64

    /// The body as it came, byte for byte.
    package let body: [UInt8]

    /// Why it could not be read, or what is damaged where the row itself is.
    package let reason: String

    /// When it was put into quarantine.
    package let receivedAt: Date

    /// A quarantined body as a store read it.
    package init(id: Int64, body: [UInt8], reason: String, receivedAt: Date) {
        self.id = id
        self.body = body
        self.reason = reason
        self.receivedAt = receivedAt
    }
}
