package import CountersignCore
package import Foundation

/// What a decision is about, and what must still be so for it to be written.
package enum DecisionBasis: Sendable {
    /// These events wait to be evaluated: those that do are in `StateSnapshot.waiting`, and are dispatched with the outcome.
    case waiting([Event.ID])
    /// A run that looked up the package for the decision, which still belongs to the lease: it is replaced by the outcome.
    ///
    /// `StoreError.leaseLost` is thrown where it does not.
    case lookUp(Run.ID, Lease.ID)
    /// Nothing but the states themselves: those that are due, or that a person names.
    case states
}

/// Which states of rules are asked for.
package struct StateQuery: Sendable {
    /// Only states of this rule.
    package var ruleID: String?

    /// Only states of this key, whatever else is asked for.
    package var key: StateKey?

    /// Only states of events of this package.
    package var packageID: String?

    /// Only states of these kinds; empty for all.
    package var kinds: [RuleState.Kind] = []

    /// Only states that were made by another shape of their rule than this one.
    package var exceptShape: String?

    /// Only states behind this number.
    package var after: RuleState.ID?

    /// Only what is due at some time, those due first coming first; else by number.
    package var isDueOnly = false

    /// How many at most.
    package var limit: Int

    /// A query for `limit` states.
    package init(ruleID: String? = nil, packageID: String? = nil, kinds: [RuleState.Kind] = [], limit: Int) {
        self.ruleID = ruleID
        self.packageID = packageID
        self.kinds = kinds
        self.limit = limit
    }
}

/// How many states there are of one kind at one rule.
package struct StateCount: Sendable, Equatable {
    /// The rule.
    package let ruleID: String

    /// The kind.
    package let kind: RuleState.Kind

    /// How many.
    package let count: Int

    /// When the oldest one was opened.
    package let oldest: Date

    /// The due time of the one that is due first; nil where none is ever due.
    package let firstDue: Date?

    /// A count.
    package init(ruleID: String, kind: RuleState.Kind, count: Int, oldest: Date, firstDue: Date?) {
        self.ruleID = ruleID
        self.kind = kind
        self.count = count
        self.oldest = oldest
        self.firstDue = firstDue
    }
}

/// One queue of runs that take turns.
package struct QueueSummary: Sendable, Equatable {
    /// The queue: the rule's id or its group, and the key.
    package let queue: String

    /// The runs that have a slot, by their numbers.
    package let holders: [Run.ID]

    /// When the longest of them was claimed; nil where none has begun.
    package let heldSince: Date?

    /// Whether one of them failed and is kept by `on_failure: hold`.
    package let isHeldByFailure: Bool

    /// How many runs wait.
    package let waiting: Int

    /// When the oldest of those that wait was made; nil where none waits.
    package let waitingSince: Date?

    /// A queue.
    package init(
        queue: String,
        holders: [Run.ID],
        heldSince: Date?,
        isHeldByFailure: Bool,
        waiting: Int,
        waitingSince: Date?
    ) {
        self.queue = queue
        self.holders = holders
        self.heldSince = heldSince
        self.isHeldByFailure = isHeldByFailure
        self.waiting = waiting
        self.waitingSince = waitingSince
    }
}

/// What shows the states of rules, their queues and what is paused.
///
/// Each call throws `StoreError`.
package protocol StateArchive: Sendable {
    /// States that meet a query.
    func states(_ query: StateQuery) async throws -> [RuleState]

    /// One state; nil where it is closed.
    func state(_ id: RuleState.ID) async throws -> RuleState?

    /// How many states there are, for each rule and kind that has any; timers that only remember a series that has ended are
    /// none.
    func stateCounts() async throws -> [StateCount]

    /// The same for the states of one rule that were made by another shape of it than `shape`.
    func stateCounts(ofRule id: String, exceptShape shape: String) async throws -> [StateCount]

    /// How many events are gathered for a key, and which.
    func gathered(of key: StateKey) async throws -> [Event.ID]

    /// What became of an event at the rules with state, in the order in which it was decided.
    func decisions(of event: Event.ID) async throws -> [Decision]

    /// The stored events that a decision would look back at.
    func history(_ query: HistoryQuery) async throws -> EventHistory

    /// The queues in which runs wait or that are held, those that wait longest coming first.
    func queues(limit: Int) async throws -> [QueueSummary]

    /// The queue of this name as a decision would see it.
    func queue(_ name: String) async throws -> QueueState

    /// What is paused at `now`, the oldest pause first.
    func pauses(at now: Date) async throws -> [Pause]

    /// What is being resumed at a rate, in the order of its words.
    func pacedResumptions() async throws -> [PacedResumption]
}

/// What keeps the states of rules, and decides about them inside its transactions.
package protocol RuleStateStore: StateArchive {
    /// Reads what is asked for, with the keys and queues of it locked, hands it to `body`, and writes what that returns: all of it,
    /// or nothing.
    ///
    /// `body` is pure, and may be called again with what was read anew. Runs with a place in a queue are inserted with it; one
    /// that is there already (event, rule and part) is left as it is.
    ///
    /// - Throws: `StoreError.activationChanged` where `activation` is given and no longer the newest one;
    ///   `StoreError.leaseLost` for the basis `lookUp`; what `body` throws. Nothing was written then.
    /// - Returns: What was written; its decisions have the numbers of the runs that were made.
    func decide(
        on basis: DecisionBasis,
        reading request: StateRequest,
        under activation: Activation.Number?,
        at now: Date,
        _ body: @escaping @Sendable (StateSnapshot) throws -> StateOutcome
    ) async throws -> [Decision]

    /// States that are due, those due first coming first, without those of `rules`, which are paused.
    ///
    /// - Throws: `StoreError`.
    func dueStates(limit: Int, excluding rules: Set<String>, at now: Date) async throws -> [RuleState]

    /// The due time of the state that is due first; nil where none is ever due.
    func nextDueState() async throws -> Date?

    /// Removes states that are of no use any more, `limit` at most; returns how many.
    func removeExpiredStates(limit: Int, at now: Date) async throws -> Int

    /// Removes states of a rule that only remember something since before `date`, those that were opened first coming
    /// first, `limit` at most; returns how many.
    func removeStates(ofRule id: String, kind: RuleState.Kind, openedBefore date: Date, limit: Int) async throws -> Int

    /// Notified when a state with a due time was stored.
    var stateChanges: AsyncSignal { get }
}

extension StateArchive {
    /// What a decision would be told now, without the locks of one.
    package func snapshot(for request: StateRequest) async throws -> StateSnapshot {
        var snapshot = StateSnapshot()
        for key in request.keys {
            var query = StateQuery(ruleID: key.ruleID, limit: .max)
            query.key = key
            for state in try await states(query) { snapshot.states[key, default: [:]][state.part] = state }
        }
        for name in request.queues { snapshot.queues[name] = try await queue(name) }
        for query in request.history { snapshot.history[query] = try await history(query) }
        for key in request.gathered { snapshot.gathered[key] = try await gathered(of: key) }
        return snapshot
    }
}
