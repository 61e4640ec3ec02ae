import CountersignCore
import CountersignOutbound
import Foundation
import Synchronization

/// Packages that were fetched a moment ago, so that several rules for one event fetch theirs once.
///
/// What is older than the event that asks is of no use to it: the event may tell of the very change.
final class PackageCache: Sendable {
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
    private let mutexes = Mutex<[String: (mutex: AsyncMutex, users: Int)]>([:])

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
        let mutex = borrowMutex(for: id)
        defer { returnMutex(for: id) }
        guard await mutex.enter() else {
            throw StepFailure("the package was not fetched because the step was canceled")
        }
        defer { mutex.leave() }
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

    private func borrowMutex(for id: String) -> AsyncMutex {
        mutexes.withLock { mutexes in
            let known = mutexes[id] ?? (AsyncMutex(), 0)
            mutexes[id] = (known.mutex, known.users + 1)
            return known.mutex
        }
    }

    private func returnMutex(for id: String) {
        mutexes.withLock { mutexes in
            guard let known = mutexes[id] else { return }
            mutexes[id] = known.users > 1 ? (known.mutex, known.users - 1) : nil
        }
    }
}
