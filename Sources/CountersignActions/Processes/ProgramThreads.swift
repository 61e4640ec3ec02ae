import Foundation
import Synchronization

/// Threads that see programs to their ends: each waits for one program at a time, and for the next one when it is through.
///
/// There are as many as programs were ever under way at once; one that is not needed for a while ends.
final class ProgramThreads: Sendable {
    private struct State {
        var waiting: [@Sendable () -> Void] = []
        var idle = 0
    }

    private static let patience = DispatchTimeInterval.seconds(30)

    private let state = Mutex(State())
    private let arrivals = DispatchSemaphore(value: 0)

    /// What `work` gives, done on one of the threads.
    func perform<Value: Sendable>(_ work: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            submit { continuation.resume(returning: work()) }
        }
    }

    private func submit(_ work: @escaping @Sendable () -> Void) {
        let isTaken = state.withLock { state in
            state.waiting.append(work)
            guard state.idle > 0 else { return false }
            state.idle -= 1
            return true
        }
        if isTaken {
            arrivals.signal()
        } else {
            let thread = Thread { self.serve() }
            thread.name = "program"
            thread.start()
        }
    }

    private func serve() {
        while let work = state.withLock({ $0.waiting.popLast() }) {
            work()
            state.withLock { $0.idle += 1 }
            if arrivals.wait(timeout: .now() + Self.patience) == .timedOut, withdraw() { return }
        }
    }

    /// Whether an idle thread may go; not when somebody counts on it at this moment.
    private func withdraw() -> Bool {
        let isFree = state.withLock { state in
            guard state.idle > 0 else { return false }
            state.idle -= 1
            return true
        }
        if !isFree { arrivals.wait() }
        return isFree
    }
}
