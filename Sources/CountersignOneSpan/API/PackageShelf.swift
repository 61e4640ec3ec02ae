import CountersignModel
import Foundation
import Synchronization

/// Packages that were fetched a moment ago, so that several rules for one event fetch theirs once.
///
/// What is older than the event that asks is of no use to it: the event may tell of the very change.
final class PackageShelf: Sendable {
    private static let lifetime: TimeInterval = 60
    private static let capacity = 500

    private struct Entry {
        /// Nil where the vendor knows no such package.
        let package: JSON?
        let fetchedAt: Date
    }

    private let clock: any WallClock
    private let entries = Mutex<[String: Entry]>([:])

    /// One for each package that is asked for at the moment, with how many ask.
    private let turnstiles = Mutex<[String: (turnstile: Turnstile, users: Int)]>([:])

    init(clock: any WallClock) {
        self.clock = clock
    }

    /// The package as it is at `date` or later; fetched where it is not here.
    func package(
        _ id: String,
        asOf date: Date,
        _ fetch: () async throws(StepFailure) -> JSON?
    ) async throws(StepFailure) -> JSON? {
        // Who asks for the same package at the same time waits, and finds it here; others are fetched beside it.
        let turnstile = borrowTurnstile(for: id)
        defer { giveBackTurnstile(for: id) }
        guard await turnstile.enter() else { throw StepFailure("the package was not fetched, the step was ended") }
        defer { turnstile.leave() }
        let oldest = max(date, clock.now.addingTimeInterval(-Self.lifetime))
        if let known = entries.withLock({ $0[id] }), known.fetchedAt >= oldest { return known.package }
        let now = clock.now
        let package = try await fetch()
        entries.withLock { entries in
            if entries.count >= Self.capacity {
                entries = entries.filter { $0.value.fetchedAt >= now.addingTimeInterval(-Self.lifetime) }
                if entries.count >= Self.capacity { entries = [:] }
            }
            entries[id] = Entry(package: package, fetchedAt: now)
        }
        return package
    }

    private func borrowTurnstile(for id: String) -> Turnstile {
        turnstiles.withLock { turnstiles in
            let known = turnstiles[id] ?? (Turnstile(), 0)
            turnstiles[id] = (known.turnstile, known.users + 1)
            return known.turnstile
        }
    }

    private func giveBackTurnstile(for id: String) {
        turnstiles.withLock { turnstiles in
            guard let known = turnstiles[id] else { return }
            turnstiles[id] = known.users > 1 ? (known.turnstile, known.users - 1) : nil
        }
    }
}
