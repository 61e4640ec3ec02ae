package import CountersignCore
package import CountersignStore
import Foundation
package import Logging
import ServiceLifecycle
import Synchronization

/// Claims runs that are due and works on several at a time.
package struct Runner: Service {
    private let store: any Store
    private let worker: RunWorker
    private let settings: EngineSettings
    private let clock: any WallClock
    private let logger: Logger
    private let makeLeaseID: @Sendable () -> Lease.ID
    private let pool = WorkerPool()

    /// A runner whose `makeLeaseID` returns a different id for each claim.
    package init(
        worker: RunWorker,
        settings: EngineSettings,
        clock: any WallClock,
        logger: Logger,
        makeLeaseID: @escaping @Sendable () -> Lease.ID
    ) {
        store = worker.store
        self.worker = worker
        self.settings = settings
        self.clock = clock
        self.logger = logger
        self.makeLeaseID = makeLeaseID
    }

    /// Queues the runs again that an earlier process left running, then executes due runs until the service shuts down.
    ///
    /// Steps that are under way then may go on for `EngineSettings.shutdownTimeout`.
    package func run() async throws {
        await rescue(store.isShared ? .expired : .everyones, at: clock.now)
        await spreadResumptions()
        await withTaskGroup { group in
            group.addTask { await renewLeases() }
            await withGracefulShutdownHandler {
                await work()
            } onGracefulShutdown: {
                pool.close()
                store.queued.notify()
            }
            group.cancelAll()
        }
    }

    /// Works until the floor is closed, then gives what is under way its grace time.
    private func work() async {
        await withDiscardingTaskGroup { group in
            while pool.isOpen, !Task.isCancelled {
                let (runs, lease) = await claim()
                for run in runs {
                    group.addTask {
                        let slot = WorkerPool.Slot()
                        // Who only writes down its result needs no place: the next run is claimed in the same commit.
                        await worker.work(on: run, lease: lease.id) {
                            !pool.isOpen
                        } lettingGo: {
                            if pool.release(slot) { store.queued.notify() }
                        }
                        if pool.release(slot) { store.queued.notify() }
                        if pool.leave(lease.id, workers: settings.workers) { store.queued.notify() }
                    }
                }
                if runs.isEmpty { await waitForWork() }
            }
            await pool.waitUntilEmpty(
                orAt: clock.now.addingTimeInterval(settings.shutdownTimeout.timeInterval),
                on: clock
            )
            // Who is still at work gives the run back; see RunWorker.
            group.cancelAll()
        }
    }

    private func claim() async -> (runs: [ClaimedRun], lease: Lease) {
        let lease = Lease(id: makeLeaseID(), for: settings.lease)
        let free = pool.room(for: settings.workers)
        guard free > 0, worker.mayExecute else { return ([], lease) }
        do {
            let runs = try await store.claim(limit: free, lease: lease, at: clock.now)
            pool.enter(lease.id, count: runs.count)
            return (runs, lease)
        } catch {
            logger.error("Runs cannot be claimed, retrying", metadata: ["error": "\(error)"])
            try? await clock.sleep(until: clock.now.addingTimeInterval(1))
            return ([], lease)
        }
    }

    private func waitForWork() async {
        // With every worker busy, only one that gets free changes anything; without the active rules, only others do.
        let canClaim = pool.room(for: settings.workers) > 0 && worker.mayExecute
        let due = canClaim ? try? await store.nextDue() : nil
        await store.queued.wait(until: due, on: clock)
    }

    /// Keeps the leases of what is under way alive, and takes back what a dead owner holds.
    private func renewLeases() async {
        let pause = settings.lease.timeInterval / 3
        while !Task.isCancelled {
            let due = clock.now.addingTimeInterval(pause)
            try? await clock.sleep(until: due)
            if Task.isCancelled { return }
            let now = clock.now
            for id in pool.leases {
                let lease = Lease(id: id, for: settings.lease)
                do {
                    try await store.renew(lease, at: clock.now)
                } catch {
                    logger.error("A lease cannot be renewed", metadata: ["error": "\(error)"])
                }
            }
            // Behind a standstill, a claim of ours may come to count under a lease that has run out by then; it is renewed
            // in the next round.
            if now.timeIntervalSince(due) < pause { await rescue(.expired, at: now) }
        }
    }

    /// Keeps what is resumed at a rate from beginning all at once behind a standstill.
    private func spreadResumptions() async {
        do {
            try await store.spreadOverdueResumptions(at: clock.now)
        } catch {
            logger.error("Resumed runs cannot be spread", metadata: ["error": "\(error)"])
        }
    }

    private func rescue(_ whose: RescuedRuns, at now: Date) async {
        do {
            let count = try await store.rescue(whose, at: now)
            if count > 0 { logger.warning("Interrupted runs resumed", metadata: ["runs": "\(count)"]) }
        } catch {
            logger.error("Interrupted runs cannot be resumed", metadata: ["error": "\(error)"])
        }
    }
}

/// Who is at work: how many runs under which leases, and whether more may come.
private final class WorkerPool: Sendable {
    /// The place of one run among the workers.
    final class Slot: Sendable {
        fileprivate let isTaken = Atomic(true)
    }

    private struct State {
        var isOpen = true

        /// Runs that are worked on.
        var busy = 0

        /// All runs by their leases, among them those of which only the result is still to be written.
        var runs: [Lease.ID: Int] = [:]

        func room(for workers: Int) -> Int {
            max(0, min(workers - busy, 2 * workers - runs.values.reduce(0, +)))
        }
    }

    private let state = Mutex(State())
    private let emptied = AsyncSignal()

    var isOpen: Bool { state.withLock { $0.isOpen } }
    var leases: [Lease.ID] { state.withLock { Array($0.runs.keys) } }

    /// How many runs may come where so many are worked on at a time; none as long as results pile up.
    func room(for workers: Int) -> Int {
        state.withLock { $0.room(for: workers) }
    }

    func close() {
        state.withLock { $0.isOpen = false }
    }

    func enter(_ lease: Lease.ID, count: Int) {
        guard count > 0 else { return }
        state.withLock { state in
            state.busy += count
            state.runs[lease] = count
        }
    }

    /// Gives a place to the next run; false when that was done before.
    func release(_ slot: Slot) -> Bool {
        guard slot.isTaken.exchange(false, ordering: .relaxed) else { return false }
        state.withLock { $0.busy -= 1 }
        return true
    }

    /// Takes note that the result of a run is written; true when that is what made room for the next run.
    func leave(_ lease: Lease.ID, workers: Int) -> Bool {
        let (makesRoom, isEmpty) = state.withLock { state in
            let hadRoom = state.room(for: workers) > 0
            let rest = (state.runs[lease] ?? 1) - 1
            state.runs[lease] = rest > 0 ? rest : nil
            return (!hadRoom && state.room(for: workers) > 0, state.runs.isEmpty)
        }
        if isEmpty { emptied.notify() }
        return makesRoom
    }

    func waitUntilEmpty(orAt deadline: Date, on clock: any WallClock) async {
        // The signal may be of an earlier moment without work.
        while !leases.isEmpty, clock.now < deadline, !Task.isCancelled {
            await emptied.wait(until: deadline, on: clock)
        }
    }
}
