import CountersignCore
import CountersignStore
import Metrics
import Synchronization

/// Something that waits to be written with others.
protocol PendingWrite: Sendable {
    /// How much of it goes over the connection, in bytes.
    var size: Int { get }

    /// Whether it is written in a transaction of its own.
    var isAlone: Bool { get }

    /// Answers that it was not written, or that nobody knows.
    func fail(_ error: any Error)
}

/// What waits while a commit is under way is written with the next one.
///
/// It holds nothing back: what comes alone is written alone. What was accepted is answered, even when who asked is
/// cancelled.
final class GroupCommit<Write: PendingWrite>: Sendable {
    private struct State {
        var waiting: [Write] = []
        var isBusy = false
        var isFinished = false
        var statistics = WriteStatistics()
    }

    /// More would let the first of a batch wait for the last; a stream's block of numbers holds as many.
    private static var most: Int { 512 }

    /// More is not put together in memory at a time, except for a single one that is larger.
    private static var mostBytes: Int { 8 << 20 }

    private let state = Mutex(State())
    private let thread: ConnectionThread
    private let batchSize = Recorder(label: MetricCatalogue.batchSize.name)

    /// Writes a batch and answers everything in it.
    private let commit: @Sendable ([Write], Connection) -> Void

    init(on thread: ConnectionThread, commit: @escaping @Sendable ([Write], Connection) -> Void) {
        self.thread = thread
        self.commit = commit
    }

    var statistics: WriteStatistics {
        state.withLock { state in
            var statistics = state.statistics
            statistics.waiting = state.waiting.count
            return statistics
        }
    }

    /// Writes `writes` with the next batches, in their order; each is answered by itself.
    func submit(_ writes: [Write]) {
        let (isTaken, mustStart) = state.withLock { state in
            guard !state.isFinished else { return (false, false) }
            state.waiting += writes
            defer { state.isBusy = true }
            return (true, !state.isBusy)
        }
        guard isTaken else {
            for write in writes { write.fail(StoreError.closed) }
            return
        }
        if mustStart { thread.perform { self.drain($0) } }
    }

    /// Takes note of a commit of so many operations.
    func count(_ operations: Int) {
        state.withLock { state in
            state.statistics.commits += 1
            state.statistics.operations += operations
        }
        batchSize.record(operations)
    }

    /// Takes nothing further, and returns when the last write is answered.
    func finish() async {
        state.withLock { $0.isFinished = true }
        await withCheckedContinuation { continuation in
            let isTaken = thread.perform { connection in
                self.drain(connection)
                continuation.resume()
            }
            if !isTaken { continuation.resume() }
        }
    }

    private func drain(_ connection: Connection) {
        while case let batch = nextBatch(), !batch.isEmpty { commit(batch, connection) }
    }

    private func nextBatch() -> [Write] {
        state.withLock { state in
            var (count, bytes) = (0, 0)
            for write in state.waiting.prefix(Self.most) {
                if count > 0, write.isAlone || bytes + write.size > Self.mostBytes { break }
                count += 1
                bytes += write.size
                if write.isAlone { break }
            }
            let batch = Array(state.waiting.prefix(count))
            state.waiting.removeFirst(count)
            state.isBusy = count > 0
            return batch
        }
    }
}

extension StoreError {
    /// What a store that is closed says.
    static let closed = StoreError.cannotWrite("the store is closed")
}
