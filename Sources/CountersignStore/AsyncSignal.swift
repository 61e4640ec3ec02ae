package import CountersignCore
package import Foundation
import Synchronization

/// Wakes one waiting task; signals while nobody waits are kept as one.
package final class AsyncSignal: Sendable {
    private struct State {
        var isNotified = false
        var waiting: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    /// A signal that has not been notified.
    package init() {}

    /// Wakes who waits, or the next one to come.
    package func notify() {
        let waiting = state.withLock { state in
            let waiting = state.waiting
            state.waiting = nil
            state.isNotified = waiting == nil
            return waiting
        }
        waiting?.resume()
    }

    /// Takes the signal that is kept, for who must not wait; false when there is none.
    package func take() -> Bool {
        state.withLock { state in
            defer { state.isNotified = false }
            return state.isNotified
        }
    }

    /// Returns at the next ring, or when the task is cancelled.
    ///
    /// Only one task may wait.
    package func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isDone = state.withLock { state in
                    if state.isNotified || Task.isCancelled {
                        state.isNotified = false
                        return true
                    }
                    state.waiting = continuation
                    return false
                }
                if isDone { continuation.resume() }
            }
        } onCancel: {
            notify()
        }
    }

    /// Returns at the next ring, at `deadline`, or when the task is cancelled.
    package func wait(until deadline: Date?, on clock: any WallClock) async {
        guard let deadline else { return await wait() }
        await withTaskGroup { group in
            group.addTask { await self.wait() }
            group.addTask { try? await clock.sleep(until: deadline) }
            await group.next()
            group.cancelAll()
        }
    }
}
