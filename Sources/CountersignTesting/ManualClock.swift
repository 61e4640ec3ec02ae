import CountersignCore
package import Foundation
import Synchronization

/// A clock that stands still until a test moves it.
package final class ManualClock: WallClock {
    private struct Sleeper {
        let id: Int
        let deadline: Date
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct Watcher {
        let count: Int
        let continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var now: Date
        var lastID = 0
        var cancelled: Set<Int> = []
        var sleepers: [Sleeper] = []
        var watchers: [Watcher] = []

        /// Takes out the watchers who have waited for as many sleepers as there are.
        mutating func satisfiedWatchers() -> [Watcher] {
            let satisfied = watchers.filter { $0.count <= sleepers.count }
            watchers.removeAll { $0.count <= sleepers.count }
            return satisfied
        }
    }

    private let state: Mutex<State>

    /// A clock that shows `now`; the preset is the time of the first published payload.
    package init(now: Date = Date(timeIntervalSince1970: 1_530_389_095)) {
        state = Mutex(State(now: now))
    }

    /// The time to which the clock was moved last.
    package var now: Date { state.withLock { $0.now } }

    /// Moves the clock and wakes those whose time has come, in the order of their deadlines.
    package func advance(by duration: Duration) {
        advance(to: now.addingTimeInterval(duration.timeInterval))
    }

    /// Sets the clock to `time`, which may lie in the past as well, and wakes those whose time has come.
    package func advance(to time: Date) {
        let woken = state.withLock { state in
            state.now = time
            let woken = state.sleepers.filter { $0.deadline <= time }
            state.sleepers.removeAll { $0.deadline <= time }
            return woken.sorted { ($0.deadline, $0.id) < ($1.deadline, $1.id) }
        }
        for sleeper in woken { sleeper.continuation.resume() }
    }

    /// Returns when the clock has been moved to `deadline` or beyond; at once where it is there already.
    ///
    /// - Throws: `CancellationError` when the task is cancelled first.
    package func sleep(until deadline: Date) async throws {
        let id = state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                lieDown(Sleeper(id: id, deadline: deadline, continuation: continuation))
            }
        } onCancel: {
            wake(id)
        }
    }

    /// Returns as soon as `count` tasks sleep at once.
    package func untilSleeping(count: Int = 1) async {
        await withCheckedContinuation { continuation in
            let satisfied = state.withLock { state in
                state.watchers.append(Watcher(count: count, continuation: continuation))
                return state.satisfiedWatchers()
            }
            for watcher in satisfied { watcher.continuation.resume() }
        }
    }

    private func lieDown(_ sleeper: Sleeper) {
        let (answer, satisfied) = state.withLock { state -> (Result<Void, any Error>?, [Watcher]) in
            if state.cancelled.remove(sleeper.id) != nil { return (.failure(CancellationError()), []) }
            if sleeper.deadline <= state.now { return (.success(()), []) }
            state.sleepers.append(sleeper)
            return (nil, state.satisfiedWatchers())
        }
        if let answer { sleeper.continuation.resume(with: answer) }
        for watcher in satisfied { watcher.continuation.resume() }
    }

    private func wake(_ id: Int) {
        let sleeper = state.withLock { state -> Sleeper? in
            guard let index = state.sleepers.firstIndex(where: { $0.id == id }) else {
                state.cancelled.insert(id)
                return nil
            }
            return state.sleepers.remove(at: index)
        }
        sleeper?.continuation.resume(throwing: CancellationError())
    }
}
