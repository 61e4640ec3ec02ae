package import CountersignCore
package import Foundation

/// What is read of the states of rules, the archive reads.
extension ArchivedStore {
    /// States that meet a query.
    package func states(_ query: StateQuery) async throws -> [RuleState] { try await archive.states(query) }

    /// One state; nil where it is closed.
    package func state(_ id: RuleState.ID) async throws -> RuleState? { try await archive.state(id) }

    /// How many states there are, by rule and kind.
    package func stateCounts() async throws -> [StateCount] { try await archive.stateCounts() }

    /// How many states of a rule were made by another shape of it, by kind.
    package func stateCounts(ofRule id: String, exceptShape shape: String) async throws -> [StateCount] {
        try await archive.stateCounts(ofRule: id, exceptShape: shape)
    }

    /// The events that are gathered for a key, the lowest number first.
    package func gathered(of key: StateKey) async throws -> [Event.ID] { try await archive.gathered(of: key) }

    /// What became of an event at the rules with state, in the order in which it was decided.
    package func decisions(of event: Event.ID) async throws -> [Decision] { try await archive.decisions(of: event) }

    /// Stored events, the newest first, without their packages.
    package func history(_ query: HistoryQuery) async throws -> EventHistory { try await archive.history(query) }

    /// The queues in which runs wait, or that a failed run holds.
    package func queues(limit: Int) async throws -> [QueueSummary] { try await archive.queues(limit: limit) }

    /// The queue of this name.
    package func queue(_ name: String) async throws -> QueueState { try await archive.queue(name) }

    /// What is paused at `now`, the oldest pause first.
    package func pauses(at now: Date) async throws -> [Pause] { try await archive.pauses(at: now) }

    /// What is being resumed at a rate.
    package func pacedResumptions() async throws -> [PacedResumption] { try await archive.pacedResumptions() }
}
