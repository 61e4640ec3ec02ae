package import CountersignCore

/// The stored events that conditions look back at, as far as they have been read.
package struct EventHistories: Sendable {
    /// What each query found; one that is absent has not been read.
    package var histories: [HistoryQuery: EventHistory]

    /// What was found; nothing has been read by default.
    package init(_ histories: [HistoryQuery: EventHistory] = [:]) {
        self.histories = histories
    }

    /// What a query found; nil where it has not been read.
    package subscript(query: HistoryQuery) -> EventHistory? { histories[query] }
}

extension Condition {
    /// Whether it looks back at earlier events, which have to be read.
    package var asksHistory: Bool { !seenTests.isEmpty }

    /// The tests of earlier events in it, in their order.
    package var seenTests: [SeenTest] {
        switch self {
        case .all(let conditions), .any(let conditions): conditions.flatMap(\.seenTests)
        case .not(let condition): condition.seenTests
        case .seen(let test): [test]
        case .event, .origin, .field: []
        }
    }

    /// What has to be read to evaluate it for `event`.
    package func queries(for event: Event) -> Set<HistoryQuery> {
        Set(seenTests.compactMap { $0.query(for: event) })
    }
}
