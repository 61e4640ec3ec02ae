import CountersignCore
import CountersignStore
import Synchronization

/// The queues of the runs that this process has claimed, so that an ending knows what to lock without looking.
///
/// A run never changes its queue.
final class ClaimedQueues: Sendable {
    private let queues = Mutex<[Run.ID: String?]>([:])

    /// Takes note of runs that were claimed.
    func add(_ runs: [Run]) {
        guard !runs.isEmpty else { return }
        queues.withLock { queues in for run in runs { queues[run.id] = .some(run.place?.queue) } }
    }

    /// The queue of a run that is let go of, itself nil for a run without one; nil where it was not claimed here.
    func take(_ run: Run.ID) -> String?? { queues.withLock { $0.removeValue(forKey: run) } }
}
