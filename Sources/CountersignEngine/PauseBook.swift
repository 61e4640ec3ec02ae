package import CountersignCore
package import CountersignStore
import Foundation
import Synchronization

/// What is paused, as this instance knows it: all instances obey what the store says.
package final class PauseBook: Sendable {
    private let store: any StateArchive
    private let clock: any WallClock
    private let pauses = Mutex<[Pause]>([])

    /// The pauses of `store`, by the time of `clock`.
    package init(store: any StateArchive, clock: any WallClock) {
        self.store = store
        self.clock = clock
    }

    /// Reads again what is paused.
    ///
    /// - Throws: `StoreError`; what was known stays known.
    /// - Returns: Whether anything is paused or resumed that was not before.
    @discardableResult
    package func refresh() async throws -> Bool {
        let current = try await store.pauses(at: clock.now)
        return pauses.withLock { pauses in
            defer { pauses = current }
            return pauses != current
        }
    }

    /// Whether anything is paused.
    package var isAnythingPaused: Bool { pauses.withLock { !$0.isEmpty } }

    /// Whether nothing is to be executed.
    package var isEverythingPaused: Bool { pause(of: .everything) != nil }

    /// The rules that are paused.
    package var pausedRules: Set<String> {
        let now = clock.now
        return pauses.withLock { pauses in
            Set(
                pauses.filter { $0.isActive(at: now) }
                    .compactMap { if case .rule(let id) = $0.subject { id } else { nil } }
            )
        }
    }

    /// Whether anything is paused for whose end runs wait under this destination.
    func isPaused(waitDestination: String) -> Bool {
        let now = clock.now
        return pauses.withLock { pauses in
            pauses.contains { $0.subject.waitDestination == waitDestination && $0.isActive(at: now) }
        }
    }

    /// The pause of a subject; nil where it is not paused.
    package func pause(of subject: Pause.Subject) -> Pause? {
        let now = clock.now
        return pauses.withLock { pauses in pauses.first { $0.subject == subject && $0.isActive(at: now) } }
    }
}

extension Pause {
    /// When to look again: its end, or a year from now where somebody has to resume it.
    func end(at now: Date) -> Date { until ?? now.addingTimeInterval(365 * 86_400) }

    /// Why a run waits, as part of a sentence.
    package var waitReason: String {
        let what: String =
            switch subject {
            case .rule: "the rule is"
            case .account: "the account is"
            case .destination: "the destination is"
            case .everything: "everything is"
            }
        return "\(what) paused by \(by)" + (until.map { " until \($0.rfc3339)" } ?? "")
            + (reason.map { ": \($0)" } ?? "")
    }
}
