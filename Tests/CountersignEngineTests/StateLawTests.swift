import CountersignCore
import CountersignEngine
import CountersignStore
import CountersignTesting
import Foundation
import Testing

/// The laws of rules with time and state, held against models that keep everything and look at all of it.
@Suite struct StateLawTests {
    /// An event of the trials: when it happened, and what it is.
    private struct Trial {
        let label: String
        let own: TimeInterval
        let cancels: Bool
        let package: String
    }

    private static let seeds = ProcessInfo.processInfo.environment["COUNTERSIGN_TEST_SEEDS"].flatMap(UInt64.init) ?? 60

    private static func trials(_ random: inout SplitMix64) -> [Trial] {
        (0..<Int.random(in: 2...7, using: &random))
            .map { index in
                Trial(
                    label: "e\(index)",
                    own: TimeInterval(Int.random(in: -20...0, using: &random)) * 86_400 / 2 + TimeInterval(index),
                    cancels: Int.random(in: 0..<3, using: &random) == 0,
                    package: Bool.random(using: &random) ? "P1" : "P2"
                )
            }
    }

    /// The runs that come about in the end where everything arrives before anything is due.
    private static func expected(_ trials: [Trial], delays: [TimeInterval], restarts: Bool) -> [String] {
        var ran: [String] = []
        for package in ["P1", "P2"] {
            let own = trials.filter { $0.package == package }.sorted { $0.own < $1.own }
            let lastCancel = own.last { $0.cancels }?.own ?? -.infinity
            var openers = own.filter { !$0.cancels && $0.own > lastCancel }
            if restarts {
                guard let last = openers.last else { continue }
                // A later event replaces the series whole, also what of it is due later.
                ran += delays.indices.map { "\(last.label) \($0 + 1)" }
                continue
            }
            while let first = openers.first {
                ran += delays.indices.map { "\(first.label) \($0 + 1)" }
                let end = first.own + (delays.max() ?? 0)
                openers = openers.filter { $0.own > end }
            }
        }
        return ran.sorted()
    }

    @Test(
        "Whatever the order in which events arrive, the same timers run and the same ones are cancelled",
        arguments: ["keep", "restart"]
    )
    func order(again: String) async throws {
        for seed in 1...Self.seeds {
            var random = SplitMix64(seed: seed)
            let trials = Self.trials(&random)
            let expected = Self.expected(trials, delays: [20 * 86_400, 30 * 86_400], restarts: again == "restart")
            for _ in 0..<3 {
                let fixture = StateFixture()
                try await fixture.use(
                    """
                    rules:
                      - id: remind
                        when: {event: PACKAGE_ACTIVATE}
                        after: {delay: [20d, 30d], again: \(again)}
                        unless: {event: [PACKAGE_COMPLETE, PACKAGE_TRASH]}
                        then: [probe: x]
                    """
                )
                let order = trials.shuffled(using: &random)
                for trial in order {
                    let name = trial.cancels ? "PACKAGE_COMPLETE" : "PACKAGE_ACTIVATE"
                    try await fixture.send(name, package: trial.package, own: trial.own, label: trial.label)
                }
                try await fixture.settle()
                let ran = try await fixture.ran().map { "\($0.label) \($0.part)" }
                #expect(ran == expected, "seed \(seed), in the order \(order.map(\.label))")
            }
        }
    }
}
