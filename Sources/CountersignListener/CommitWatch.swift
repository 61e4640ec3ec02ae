import Synchronization

/// Notices a store that has stopped answering, so that no more deliveries pile up in front of it.
///
/// What waits for the store holds its body in memory. As long as writes wait and none has come back within the limit,
/// nothing more is let through; the first that comes back opens the way again.
final class CommitWatch: Sendable {
    private struct State {
        var waiting = 0
        var lastMove = ContinuousClock.now
    }

    private let limit: Duration
    private let state = Mutex(State())

    init(limit: Duration) {
        self.limit = limit
    }

    /// Counts a write that is about to begin; false, and not counted, when the store stands still.
    func begin() -> Bool {
        let now = ContinuousClock.now
        return state.withLock { state in
            if state.waiting == 0 { state.lastMove = now }
            guard now - state.lastMove < limit else { return false }
            state.waiting += 1
            return true
        }
    }

    /// Counts a write that has come back, whether it worked or not.
    func end() {
        let now = ContinuousClock.now
        state.withLock { state in
            state.waiting -= 1
            state.lastMove = now
        }
    }
}
