import CountersignCore
import Metrics

/// Counts callbacks; made once, as they are many.
struct DeliveryMetrics: Sendable {
    enum Result: String, CaseIterable {
        case stored
        case duplicate
        case spooled
        case unreadable
        case unverified
        case notStored = "not_stored"
        case wrongKey = "wrong_key"
    }

    private let counters: [String: [Counter]]
    private let others: [Counter]
    private let timer: Timer

    /// The counters of an account; the only one has no name.
    init(account: String) {
        counters = Dictionary(
            uniqueKeysWithValues: EventCatalogue.names.map { ($0, Self.counters(for: $0, account)) }
        )
        others = Self.counters(for: "other", account)
        timer = Timer(label: MetricCatalogue.acknowledgements.name)
    }

    private static func counters(for event: String, _ account: String) -> [Counter] {
        Result.allCases.map { result in
            Counter(
                label: MetricCatalogue.deliveries.name,
                dimensions: MetricDeclaration.labels([("event", event), ("result", result.rawValue)], of: account)
            )
        }
    }

    /// Counts a callback; `event` is nil where it could not be read.
    func count(_ event: String?, _ result: Result) {
        let place = Result.allCases.firstIndex(of: result) ?? 0
        (event.flatMap { counters[$0] } ?? others)[place].increment()
    }

    /// Notes how long a callback took to be stored.
    func time(since start: ContinuousClock.Instant) {
        timer.record(duration: ContinuousClock.now - start)
    }
}
