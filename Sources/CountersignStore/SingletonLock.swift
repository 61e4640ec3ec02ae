package import CountersignCore
import Foundation
import Synchronization

/// One holder's way to a singleton: it takes it, keeps it as long as the work lasts, and gives it up.
package final class SingletonLock: Sendable {
    /// How long a lease lasts: so long after its holder is gone, the next one takes over.
    package static let duration = Duration.seconds(60)

    /// How often a lease is renewed, and how often the others try to take it.
    package static let pause = Duration.seconds(20)

    private struct State {
        var lease: Lease
        var term: Int
        var renewedAt: Date
    }

    private let singleton: Singleton
    private let holder: String
    private let store: any SingletonStore
    private let clock: any WallClock
    private let makeLeaseID: @Sendable () -> Lease.ID
    private let state = Mutex<State?>(nil)

    /// A lock on `singleton` for who is called `holder` by the others.
    package init(
        _ singleton: Singleton,
        as holder: String,
        in store: any SingletonStore,
        clock: any WallClock,
        makeLeaseID: @escaping @Sendable () -> Lease.ID = { UUID().uuidString }
    ) {
        self.singleton = singleton
        self.holder = holder
        self.store = store
        self.clock = clock
        self.makeLeaseID = makeLeaseID
    }

    /// Takes the singleton; where it is held already, its lease is renewed.
    ///
    /// - Throws: `SingletonError.held` where another has it, `StoreError`.
    /// - Returns: The term.
    @discardableResult
    package func take() async throws -> Int {
        let lease = state.withLock { $0?.lease } ?? Lease(id: makeLeaseID(), for: Self.duration)
        let now = clock.now
        let hold = try await store.take(singleton, as: holder, under: lease, at: now)
        guard hold.isOwn else {
            state.withLock { $0 = nil }
            throw SingletonError.held(singleton, hold)
        }
        state.withLock { $0 = State(lease: lease, term: hold.term, renewedAt: now) }
        return hold.term
    }

    /// Renews the lease where that is due; called again and again during the work.
    ///
    /// - Throws: `SingletonError.lost` where another has taken the singleton meanwhile, `StoreError`.
    package func keep() async throws {
        guard let held = state.withLock({ $0 }) else { return }
        let now = clock.now
        let age = now.timeIntervalSince(held.renewedAt)
        // A clock that was set back tells nothing about the age of the lease.
        guard !(0..<Self.pause.timeInterval).contains(age) else { return }
        guard try await store.renew(singleton, under: held.lease, at: now) else {
            state.withLock { $0 = nil }
            throw SingletonError.lost(singleton, term: held.term)
        }
        state.withLock { $0?.renewedAt = now }
    }

    /// Gives the singleton up, where it is held.
    ///
    /// - Throws: `StoreError`; the next one takes over when the lease has expired then.
    package func giveUp() async throws {
        guard
            let held = state.withLock({ state in
                defer { state = nil }
                return state
            })
        else { return }
        try await store.giveUp(singleton, under: held.lease.id)
    }
}
