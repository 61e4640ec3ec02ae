import Synchronization

/// Lets tasks through one at a time, in the order in which they came.
package final class AsyncMutex: Sendable {
    private struct Waiter {
        let id: Int
        let continuation: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var isTaken = false
        var waiters: [Waiter] = []
        var count = 0
    }

    private let state = Mutex(State())

    /// A mutex that nobody holds.
    package init() {}

    /// Waits for its turn; gives false when the task is cancelled first, and then it is nobody's turn.
    package func enter() async -> Bool {
        let id = state.withLock { state in
            state.count += 1
            return state.count
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer = state.withLock { state -> Bool? in
                    if Task.isCancelled { return false }
                    guard state.isTaken else {
                        state.isTaken = true
                        return true
                    }
                    state.waiters.append(Waiter(id: id, continuation: continuation))
                    return nil
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                state.waiters.firstIndex { $0.id == id }.map { state.waiters.remove(at: $0) }
            }
            waiter?.continuation.resume(returning: false)
        }
    }

    /// Ends the turn of who was let through.
    package func leave() {
        let next = state.withLock { state in
            guard state.waiters.isEmpty else { return Optional(state.waiters.removeFirst()) }
            state.isTaken = false
            return nil
        }
        next?.continuation.resume(returning: true)
    }
}
