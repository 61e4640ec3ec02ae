import Synchronization

/// What happened to the connections of a store.
final class Tally: Sendable {
    private let resent = Atomic(0)
    private let unknown = Atomic(0)

    /// A batch is sent again, because its connection was lost.
    func sendAgain() { resent.add(1, ordering: .relaxed) }

    /// The outcome of a commit had to be asked for.
    func meetUnknownOutcome() { unknown.add(1, ordering: .relaxed) }

    /// How many batches were sent again.
    var resentBatches: Int { resent.load(ordering: .relaxed) }

    /// How many outcomes had to be asked for.
    var unknownOutcomes: Int { unknown.load(ordering: .relaxed) }
}
