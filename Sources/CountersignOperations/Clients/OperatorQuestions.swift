package import CountersignCore
package import CountersignEngine
package import CountersignOneSpan
package import CountersignRules
package import CountersignStore
package import Foundation

/// What an operator asks.
///
/// The same question has the same answer from a store on this machine (`StoreQuestions`) and from a server elsewhere
/// (`RemoteClient`). Each throws `OperationError` where there is no answer, and `StoreError` where the store cannot be read.
package protocol OperatorQuestions: Sendable {
    /// One page of events, the newest first.
    func events(_ query: EventQuery) async throws -> EventPage

    /// The numbers of the events that a query means, the oldest first.
    func eventIDs(_ query: EventQuery) async throws -> [Event.ID]

    /// One event with its runs.
    func event(_ number: Int64) async throws -> EventDetails

    /// The body of an event as it came, byte for byte.
    func body(ofEvent number: Int64) async throws -> [UInt8]

    /// Why each rule matched an event, or did not.
    func explanation(ofEvent number: Int64) async throws -> EventExplanation

    /// One page of bodies that could not be read as events, the newest first.
    func quarantined(_ query: QuarantineQuery) async throws -> QuarantinePage

    /// One body that could not be read.
    func quarantinedBody(_ number: Int64) async throws -> QuarantinedBody

    /// One page of packages.
    func packages(_ query: PackageQuery) async throws -> PackagePage

    /// All that is known of one package.
    func package(_ id: String) async throws -> PackageTimeline

    /// One page of runs, the newest first.
    func runs(_ query: RunQuery) async throws -> RunPage

    /// One run with all attempts of all steps.
    func run(_ number: Int64) async throws -> RunDetails

    /// The active rules with their statistics.
    func rules() async throws -> RuleList

    /// One active rule with its source.
    func rule(_ id: String) async throws -> RuleDetails

    /// What happened last, the oldest first, and from where to go on.
    func newest(_ count: Int, since: Date?, _ filter: TailFilter) async throws -> TailPage

    /// What happened after `position`, the oldest first, and from where to go on.
    func entries(after position: TailPosition, _ filter: TailFilter) async throws -> TailPage

    /// The instances of the store, and the rules that they use.
    func instances() async throws -> InstanceList

    /// What is pending: the queues in which runs wait longest, then what is due first.
    func pending(_ query: PendingQuery) async throws -> PendingList

    /// One thing that is pending, by the number of a state or the name of a queue.
    func pendingItem(_ id: String) async throws -> PendingDetails

    /// What is paused, the oldest pause first.
    func pauses() async throws -> PauseList

    /// How polling of an account stands, of which the only one has no name; nil before the first poll.
    func pollState(of account: String) async throws -> PollState?

    /// Which runs two rule sets make for the stored events.
    ///
    /// `progress` receives how many events were evaluated so far, and about how many there are, where that is known.
    func diff(_ request: DiffRequest, progress: (_ done: Int, _ total: Int?) -> Void) async throws -> RunDiff

    /// What rules would make of what is open at rules that they edit, disable or remove.
    func editEffects(of sources: RuleSources) async throws -> [EditEffect]
}

extension OperatorQuestions {
    /// That no active rule has this id; nil where one has, and without an id.
    package func unknownRule(_ id: String?) async throws -> String? {
        guard let id else { return nil }
        let known = (try? await rules().rules.map(\.id)) ?? []
        guard !known.contains(id) else { return nil }
        return "no active rule is named '\(id.printable)'\(Suggestion.clause(for: id, among: known))"
    }
}
