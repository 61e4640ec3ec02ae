import CountersignCore
package import Foundation
import Synchronization

/// A clock that stands still until it is asked to step to a later time, so that hours of waiting pass at once.
package final class SteppedClock: WallClock {
    private struct Sleeper {
        let deadline: Date
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var now: Date
        var steps = 0
        var lastID = 0
        var cancelled: Set<Int> = []
        var sleepers: [Int: Sleeper] = [:]
    }

    private let state: Mutex<State>

    /// A clock that shows `now` until `step(to:)` is called.
    package init(now: Date) {
        state = Mutex(State(now: now))
    }

    /// The latest time that the clock was stepped to, or the one that it was made with.
    package var now: Date { state.withLock { $0.now } }

    /// How often it was stepped.
    var steps: Int { state.withLock { $0.steps } }

    /// Moves on to `time` and wakes those whose time has come; it never goes back.
    package func step(to time: Date) {
        let due = state.withLock { state in
            state.now = max(state.now, time)
            state.steps += 1
            let due = state.sleepers.filter { $0.value.deadline <= state.now }
            for id in due.keys { state.sleepers[id] = nil }
            return due
        }
        for sleeper in due.values { sleeper.continuation.resume() }
    }

    /// Returns once the clock is stepped to `deadline` or beyond; throws `CancellationError` when cancelled before.
    package func sleep(until deadline: Date) async throws {
        let id = state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                lieDown(id, Sleeper(deadline: deadline, continuation: continuation))
            }
        } onCancel: {
            wake(id)
        }
    }

    private func lieDown(_ id: Int, _ sleeper: Sleeper) {
        let answer: Result<Void, any Error>? = state.withLock { state in
            if state.cancelled.remove(id) != nil { return .failure(CancellationError()) }
            if sleeper.deadline <= state.now { return .success(()) }
            state.sleepers[id] = sleeper
            return nil
        }
        if let answer { sleeper.continuation.resume(with: answer) }
    }

    private func wake(_ id: Int) {
        let sleeper = state.withLock { state in
            let sleeper = state.sleepers.removeValue(forKey: id)
            if sleeper == nil { state.cancelled.insert(id) }
            return sleeper
        }
        sleeper?.continuation.resume(throwing: CancellationError())
    }
}
