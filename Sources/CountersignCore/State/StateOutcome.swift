/// What a decision has to be told: all of it is read in the transaction that writes what is decided.
package struct StateRequest: Sendable {
    /// The keys whose states are read, and which are locked.
    package var keys: Set<StateKey> = []

    /// The queues whose runs are read, and which are locked.
    package var queues: Set<String> = []

    /// The stored events that are looked back at.
    package var history: Set<HistoryQuery> = []

    /// The keys whose gathered events are read.
    package var gathered: Set<StateKey> = []

    /// A request for nothing yet.
    package init() {}

    /// Whether nothing has to be read or locked.
    package var isEmpty: Bool {
        keys.isEmpty && queues.isEmpty && history.isEmpty && gathered.isEmpty
    }
}

/// What the store holds of what a decision asked for.
package struct StateSnapshot: Sendable {
    /// The states of each key, by their parts; a key without any is absent.
    package var states: [StateKey: [String: RuleState]] = [:]

    /// The runs of each queue; one without any is absent.
    package var queues: [String: QueueState] = [:]

    /// The events of each query.
    package var history: [HistoryQuery: EventHistory] = [:]

    /// The gathered events of each key, the oldest number first.
    package var gathered: [StateKey: [Event.ID]] = [:]

    /// Of the events that the decision is about, those that still wait for it.
    package var waiting: Set<Event.ID> = []

    /// A snapshot without anything.
    package init() {}
}

/// What was decided: a store writes all of it, or nothing.
package struct StateOutcome: Sendable {
    /// The events that are evaluated with this, and the runs of the rules without state among it.
    package var dispatches: [Dispatch] = []

    /// The runs of rules with state.
    package var runs: [NewRun] = []

    /// What changes of the states of rules.
    package var changes: [StateChange] = []

    /// What became of events; `run` is the place in `runs` of the run that is meant.
    package var decisions: [(decision: Decision, run: Int?)] = []

    /// Runs that wait in a queue and are discarded, as the one at the place `by` of `runs` takes their place.
    package var superseded: [(run: Run.ID, by: Int)] = []

    /// Runs that lose their slot or are given one.
    package var moved: [(run: Run.ID, slot: Int?)] = []

    /// Events that are stored.
    package var raised: [Delivery] = []

    /// An outcome without anything.
    package init() {}

    /// Whether nothing has to be written.
    package var isEmpty: Bool {
        dispatches.isEmpty && runs.isEmpty && changes.isEmpty && decisions.isEmpty && superseded.isEmpty
            && moved.isEmpty && raised.isEmpty
    }
}
