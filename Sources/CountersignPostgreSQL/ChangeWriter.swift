import CountersignCore
import CountersignStore
import Foundation
import Synchronization

/// Carries out what changes runs and all else but the inbox: what waits is one transaction.
///
/// Each operation is one statement whose rows are its result, so all of a transaction are sent in one go; one that needs
/// several in turn has a transaction of its own. With each goes a token: where a commit has no answer, or one with a
/// warning, the token says whether it came about.
final class ChangeWriter: Sendable {
    /// An operation, and what is called with its result.
    struct Operation: PendingWrite {
        /// How it is carried out.
        enum Work: Sendable {
            /// By a statement, and what its rows mean; what that throws is the result.
            case statement(
                @Sendable (Connection) throws(DatabaseError) -> Statement,
                @Sendable (Rows) throws -> @Sendable () -> Void
            )
            /// By several statements, in turn.
            case steps(@Sendable (Connection) throws -> @Sendable () -> Void)
            /// By what is read first, and what is written for that.
            case halves(TransactionHalves)
        }

        let work: Work
        let answerFailure: @Sendable (any Error) -> Void
        var size = 256

        /// Takes a lock for the transaction, so that the statement behind it sees what the last one that had it committed.
        var lock: Statement?

        /// The keys and queues that are locked for the transaction, behind `lock` and before anything is read.
        var keys: Set<KeyLock> = []

        /// What is done behind the statement, whatever came of that; its rows are of no use.
        var followUp: Statement?

        /// What is reached when its commit is sent and not answered.
        var point: FailPoint?

        var isAlone: Bool { if case .statement = work { false } else { true } }

        func fail(_ error: any Error) { answerFailure(error) }
    }

    private typealias Answers = [@Sendable () -> Void]

    /// How long a batch may take, with all that is tried again.
    private let patience: Duration
    private let name: String
    let tally: Tally
    private let group: Mutex<GroupCommit<Operation>?> = Mutex(nil)

    init(on thread: ConnectionThread, name: String, patience: Duration, tally: Tally) {
        self.name = name
        self.patience = patience
        self.tally = tally
        group.withLock { $0 = GroupCommit(on: thread) { [self] in write($0, over: $1) } }
    }

    var statistics: WriteStatistics { group.withLock { $0 }?.statistics ?? WriteStatistics() }

    /// Takes nothing further, and returns when the last operation is answered.
    func finish() async {
        await group.withLock { $0 }?.finish()
        group.withLock { $0 = nil }
    }

    /// Carries out a statement and returns what its rows mean, once that is committed.
    func change<Value: Sendable>(
        _ statement: Statement,
        behind lock: Statement? = nil,
        size: Int = 256,
        reaching point: FailPoint? = nil,
        _ decode: @escaping @Sendable (Rows) throws -> Value
    ) async throws -> Value {
        try await change({ _ in statement }, behind: lock, size: size, reaching: point, decode)
    }

    /// Carries out a statement that is made when its turn comes, with these keys and queues locked, and another behind it.
    func change<Value: Sendable>(
        _ make: @escaping @Sendable (Connection) throws(DatabaseError) -> Statement,
        behind lock: Statement? = nil,
        locking keys: Set<KeyLock> = [],
        followedBy followUp: Statement? = nil,
        size: Int = 256,
        reaching point: FailPoint? = nil,
        _ decode: @escaping @Sendable (Rows) throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            let work = Operation.Work.statement(make) { rows in
                let value = try decode(rows)
                return { continuation.resume(returning: value) }
            }
            submit(
                Operation(
                    work: work,
                    answerFailure: { continuation.resume(throwing: $0) },
                    size: size,
                    lock: lock,
                    keys: keys,
                    followUp: followUp,
                    point: point
                )
            )
        }
    }

    /// Carries out several statements in a transaction of their own; a `StoreError` that `body` throws is the result, and
    /// nothing is changed then.
    func transaction<Value: Sendable>(
        _ body: @escaping @Sendable (Connection) throws -> Value
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            let work = Operation.Work.steps { connection in
                let value = try body(connection)
                return { continuation.resume(returning: value) }
            }
            submit(Operation(work: work) { continuation.resume(throwing: $0) })
        }
    }

    /// Carries out a statement for a caller that is no task; `reply` is called once, when it is committed or refused.
    func change(_ statement: Statement, then reply: @escaping @Sendable (Result<Void, any Error>) -> Void) {
        let work = Operation.Work.statement({ _ in statement }, { _ in { reply(.success(())) } })
        submit(Operation(work: work) { reply(.failure($0)) })
    }

    func submit(_ operation: Operation) {
        guard let group = group.withLock({ $0 }) else { return operation.fail(StoreError.closed) }
        group.submit([operation])
    }
}

extension ChangeWriter {
    private func write(_ batch: [Operation], over connection: Connection) {
        let deadline = ContinuousClock.now + patience
        var conflicts = 0
        while true {
            do throws(DatabaseError) {
                try connection.connect(until: deadline)
                guard let answers = try attempt(batch, over: connection, until: deadline) else {
                    tally.sendAgain()
                    continue
                }
                group.withLock { $0 }?.count(batch.count)
                for answer in answers { answer() }
                return
            } catch {
                switch error {
                case .lost where ContinuousClock.now < deadline: tally.sendAgain()
                case _ where error.isConflict && conflicts < 3: conflicts += 1
                case _ where error.mayConcernOneOperation && batch.count > 1:
                    for operation in batch { write([operation], over: connection) }
                    return
                default:
                    let failure = error.storeError(on: name)
                    for operation in batch { operation.fail(failure) }
                    return
                }
            }
        }
    }

    /// Carries out a batch; nil where it turned out that nothing of it came about.
    private func attempt(
        _ batch: [Operation],
        over connection: Connection,
        until deadline: ContinuousClock.Instant
    ) throws(DatabaseError) -> Answers? {
        let token = UUID()
        let answers: Answers
        if case .halves(let halves)? = batch.first?.work {
            return try attempt(halves, of: batch[0], token, over: connection, until: deadline).map { [$0] }
        }
        if case .steps(let body)? = batch.first?.work {
            guard let answer = try perform(body, of: batch[0], token, over: connection) else { return [] }
            answers = [answer]
        } else {
            answers = try perform(batch, token, over: connection)
        }
        do throws(DatabaseError) {
            _ = try connection.execute([.commit], reaching: batch.lazy.compactMap(\.point).first)
            try connection.confirmCommit()
            return answers
        } catch {
            guard case .lost = error else { throw error }
            tally.meetUnknownOutcome()
            return try isCommitted(token, over: connection, until: deadline) ? answers : nil
        }
    }

    private func perform(
        _ batch: [Operation],
        _ token: UUID,
        over connection: Connection
    ) throws(DatabaseError) -> Answers {
        let keys = batch.reduce(into: Set<KeyLock>()) { $0.formUnion($1.keys) }
        var statements = connection.beginWriting + batch.compactMap(\.lock).prefix(1) + KeyLock.statements(keys)
        var decoders: [(place: Int, decode: (Rows) throws -> @Sendable () -> Void)] = []
        for operation in batch {
            guard case .statement(let make, let decode) = operation.work else { continue }
            decoders.append((statements.count, decode))
            statements.append(try make(connection))
            if let followUp = operation.followUp { statements.append(followUp) }
        }
        let rows = try connection.execute(statements + [Self.keep(token)])
        return zip(batch, decoders)
            .map { operation, result in
                do {
                    return try result.decode(rows[result.place])
                } catch {
                    // Nothing was changed then: the statement met no row that it was to change.
                    return { operation.fail(error) }
                }
            }
    }

    /// Carries out an operation of several statements; nil where its result is an error, which is answered.
    private func perform(
        _ body: (Connection) throws -> @Sendable () -> Void,
        of operation: Operation,
        _ token: UUID,
        over connection: Connection
    ) throws(DatabaseError) -> (@Sendable () -> Void)? {
        _ = try connection.execute(connection.beginWriting + [Self.keep(token)])
        do {
            return try body(connection)
        } catch let error as DatabaseError {
            throw error
        } catch {
            _ = try connection.execute([.rollback])
            operation.fail(error)
            return nil
        }
    }

    static func keep(_ token: UUID) -> Statement {
        Statement("insert into @.commits (token) values ($1::uuid)", [.bytes(token.bytes)])
    }

    /// Whether a transaction that had no answer came about.
    ///
    /// The look itself is a commit that is confirmed: where it is, all that came before is so as well. A transaction that is
    /// still under way on the server is waited for.
    func isCommitted(
        _ token: UUID,
        over connection: Connection,
        until deadline: ContinuousClock.Instant
    ) throws(DatabaseError) -> Bool {
        while true {
            do throws(DatabaseError) {
                try connection.connect(until: deadline)
                let look = Statement(
                    """
                    insert into @.commits (token) values ($1::uuid)
                    on conflict (token) do update set is_confirmed = true returning is_confirmed
                    """,
                    [.bytes(token.bytes)]
                )
                let rows = try connection.execute([look])
                try connection.confirmCommit()
                return rows[0].first?.flag(0) == true
            } catch {
                guard case .lost = error, ContinuousClock.now < deadline else { throw error }
            }
        }
    }
}
