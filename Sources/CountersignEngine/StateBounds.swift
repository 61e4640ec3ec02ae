import CountersignCore
package import CountersignRules
package import CountersignStore
package import Foundation
import Synchronization

/// Which rules have as many keys as they may have: they open no further ones.
package final class StateBounds: Sendable {
    private struct State {
        var full: Set<String> = []
        var countedAt = Date.distantPast
        var activation: Activation.Number?
    }

    /// How many idle windows are removed at a time.
    private static let batch = 500

    /// How often the keys are counted.
    private static let interval: TimeInterval = 60

    /// How many keys a rule may have.
    package let mostKeys: Int

    private let store: any RuleStateStore
    private let reporter: IncidentReporter?
    private let state = Mutex(State())

    /// The bounds of the rules of `store`; `reporter` raises `X_STATE_FULL`, where it is there.
    package init(store: any RuleStateStore, reporter: IncidentReporter? = nil, mostKeys: Int) {
        self.store = store
        self.reporter = reporter
        self.mostKeys = mostKeys
    }

    /// The rules that have reached the bound.
    package var fullRules: Set<String> { state.withLock { $0.full } }

    /// Counts the keys again, where the last count is a minute old.
    ///
    /// Of a rule of `rules` that reached the bound, windows of a `throttle` that are over are removed first: they only remember
    /// how many events they suppressed.
    ///
    /// - Throws: `StoreError`.
    package func refresh(by rules: RuleSet? = nil, at now: Date) async throws {
        let isDue = state.withLock { abs(now.timeIntervalSince($0.countedAt)) >= Self.interval }
        guard isDue else { return }
        let counts = try await store.stateCounts().filter { $0.kind != .timer }
        var full: Set<String> = []
        for count in counts where count.count >= mostKeys {
            let idle = try await removeIdle(count, rules?.rule(count.ruleID), at: now)
            if count.count - idle >= mostKeys { full.insert(count.ruleID) }
        }
        let old = state.withLock { state in
            // What an earlier process found may be over.
            let old = state.countedAt == .distantPast ? Set(counts.map(\.ruleID)) : state.full
            state.countedAt = now
            state.full = full
            return old
        }
        for rule in full.sorted() {
            try await reporter?.begin(.stateFull, of: rule, ["rule": .string(rule), "keys": JSON(mostKeys)])
        }
        for rule in old.subtracting(full).sorted() { try await reporter?.forget(.stateFull, of: rule) }
    }

    private func removeIdle(_ count: StateCount, _ rule: Rule?, at now: Date) async throws -> Int {
        guard count.kind == .throttle, case .throttle(let throttle)? = rule?.timing else { return 0 }
        let end = now.addingTimeInterval(-throttle.within.timeInterval)
        var removed = 0
        while removed <= count.count - mostKeys {
            let some = try await store.removeStates(
                ofRule: count.ruleID,
                kind: .throttle,
                openedBefore: end,
                limit: Self.batch
            )
            removed += some
            if some < Self.batch { break }
        }
        return removed
    }

    /// Whether open timers have not been looked at since this activation.
    func isNewActivation(_ number: Activation.Number) -> Bool { state.withLock { $0.activation != number } }

    /// Notes that open timers follow the rules of this activation.
    func note(activation number: Activation.Number) { state.withLock { $0.activation = number } }
}
