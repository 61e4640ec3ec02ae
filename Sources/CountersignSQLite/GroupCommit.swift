import CountersignCore
import CountersignStore
import Foundation
import GRDB
import Metrics
import Synchronization

/// The one writer: operations that wait while a commit is under way share the next one.
///
/// It holds nothing back: an operation that comes alone is committed alone. Nobody is answered before the commit
/// that holds the operation has returned, and a write that was begun is finished even when who asked is cancelled.
final class GroupCommit: Sendable {
    /// An operation throws `StoreError` as its result before it writes anything: the others go on undisturbed.
    private struct Operation: Sendable {
        /// Does the work and returns the answer that becomes true with the commit.
        let perform: @Sendable (Database) throws -> @Sendable () -> Void
        let fail: @Sendable (any Error) -> Void
    }

    private struct State {
        var waiting: [Operation] = []
        var isBusy = false

        /// Why nothing is written any more.
        var refusal: StoreError?
        var statistics = WriteStatistics()
    }

    /// More would let the first of a batch wait for the last.
    private static let largestBatch = 512

    private let state = Mutex(State())
    private let connection: WriterConnection
    private let path: String
    private let files: FileWatch
    private let didCommit: @Sendable (Database) -> Void
    private let batchSize = Recorder(label: MetricCatalogue.batchSize.name)

    /// A writer over the connection, whose files are there; `didCommit` is called behind each commit, before its answers.
    init(
        connection: WriterConnection,
        path: String,
        didCommit: @escaping @Sendable (Database) -> Void = { _ in }
    ) {
        self.didCommit = didCommit
        self.connection = connection
        self.path = path
        files = FileWatch(store: path)
    }

    var statistics: WriteStatistics {
        state.withLock { state in
            var statistics = state.statistics
            statistics.waiting = state.waiting.count
            return statistics
        }
    }

    /// Whether a failed sync ended all writing.
    var isBroken: Bool { state.withLock { $0.statistics.isBroken } }

    /// Performs `body` in a transaction and returns its result once it is on stable storage.
    @discardableResult
    func write<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            submit { db in
                let value = try body(db)
                return { continuation.resume(returning: value) }
            } fail: {
                continuation.resume(throwing: $0)
            }
        }
    }

    /// Performs `body` like `write`, but fails when it has not come back by `limit`; it is carried out all the same.
    func write(within limit: Duration, _ body: @escaping @Sendable (Database) throws -> Void) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            let answer = FirstAnswer(continuation)
            submit { db in
                try body(db)
                return { answer.give(.success(())) }
            } fail: {
                answer.give(.failure($0))
            }
            DispatchQueue.global()
                .asyncAfter(deadline: .now() + limit.timeInterval) { [path] in
                    let reason = "writing to '\(path)' takes too long; another program may have locked it"
                    answer.give(.failure(StoreError.cannotWrite(reason)))
                }
        }
    }

    /// Takes no further operation and returns when the last one is answered.
    func finish() async {
        await withCheckedContinuation { continuation in
            state.withLock { $0.refusal = $0.refusal ?? .cannotWrite("the store is closed") }
            // The connection's queue is serial: what was accepted before is done before.
            connection.perform { db in
                self.drain(db)
                continuation.resume()
            }
        }
    }

    /// Performs `perform` in a transaction; what it returns is called once that is on stable storage, else `fail` is.
    func submit(
        _ perform: @escaping @Sendable (Database) throws -> @Sendable () -> Void,
        fail: @escaping @Sendable (any Error) -> Void
    ) {
        let operation = Operation(perform: perform, fail: fail)
        let (refusal, mustStart) = state.withLock { state in
            guard state.refusal == nil else { return (state.refusal, false) }
            state.waiting.append(operation)
            defer { state.isBusy = true }
            return (nil, !state.isBusy)
        }
        if let refusal { return operation.fail(refusal) }
        if mustStart { connection.perform { self.drain($0) } }
    }

    private func drain(_ db: Database) {
        while case let batch = nextBatch(), !batch.isEmpty {
            commit(batch, in: db)
            keepLogShort(db)
        }
    }

    private func nextBatch() -> [Operation] {
        state.withLock { state in
            let batch = Array(state.waiting.prefix(Self.largestBatch))
            state.waiting.removeFirst(batch.count)
            state.isBusy = !batch.isEmpty
            return batch
        }
    }

    private func commit(_ batch: [Operation], in db: Database) {
        if isBroken {
            for operation in batch { operation.fail(Self.broken) }
            return
        }
        do {
            try files.confirm()
            let answers = try transaction(batch, in: db)
            didCommit(db)
            for answer in answers { answer() }
        } catch let error as DatabaseError where error.isFailedSync {
            refuseFromNowOn()
            for operation in batch { operation.fail(Self.broken) }
        } catch {
            let isLocal = (error as? DatabaseError)?.mayConcernOneOperation ?? !(error is StoreError)
            if batch.count > 1 && isLocal {
                for operation in batch { commit([operation], in: db) }
            } else {
                let failure = (error as? DatabaseError).map { StoreError(writing: $0, path: path) } ?? error
                for operation in batch { operation.fail(failure) }
            }
        }
    }

    /// Performs a batch in one transaction and returns the answers that its commit made true.
    private func transaction(_ batch: [Operation], in db: Database) throws -> [@Sendable () -> Void] {
        var answers: [@Sendable () -> Void] = []
        answers.reserveCapacity(batch.count)
        try db.inTransaction(.immediate) {
            for operation in batch {
                do {
                    answers.append(try operation.perform(db))
                } catch let result as StoreError {
                    answers.append { operation.fail(result) }
                }
            }
            #if MUTANTS
            if Mutant.chosen == .earlyAnswer {
                for answer in answers { answer() }
                answers = []
                Thread.sleep(forTimeInterval: 0.005)
            }
            #endif
            return .commit
        }
        state.withLock { state in
            state.statistics.commits += 1
            state.statistics.operations += batch.count
            state.statistics.logPages = connection.logPages
        }
        batchSize.record(batch.count)
        return answers
    }

    /// Moves the write-ahead log into the main file when it has grown long.
    private func keepLogShort(_ db: Database) {
        guard connection.isLogLong, !isBroken else { return }
        do {
            try db.checkpoint(.passive)
        } catch let error as DatabaseError where error.isFailedSync {
            refuseFromNowOn()
        } catch {
            // The log still holds everything; the next commit tries again.
            state.withLock { $0.statistics.failedCheckpoints += 1 }
        }
    }

    private func refuseFromNowOn() {
        state.withLock { state in
            state.statistics.isBroken = true
            state.refusal = Self.broken
        }
    }

    private static let broken = StoreError.cannotWrite(
        "the disk failed to sync, so durability cannot be guaranteed until the server is restarted"
    )
}

/// Answers the caller once, with what comes first.
private final class FirstAnswer: Sendable {
    private let waiting: Mutex<CheckedContinuation<Void, any Error>?>

    init(_ continuation: CheckedContinuation<Void, any Error>) {
        waiting = Mutex(continuation)
    }

    func give(_ result: Result<Void, any Error>) {
        waiting.withLock { $0.take() }?.resume(with: result)
    }
}
