import CountersignCore
import CountersignStore
import Foundation

/// What is decided within a transaction: what is read first says what is written then.
struct TransactionHalves: Sendable {
    /// What is written for what was read.
    struct Second {
        /// What is written, together with the commit; where it is nothing, the transaction is rolled back.
        var statements: [Statement] = []

        /// A look at what was written, which gives the same when it is taken after the commit.
        var look: Statement?

        /// What the rows of the look mean.
        let answer: (Rows?) -> @Sendable () -> Void
    }

    /// What is read, in one go.
    let first: [Statement]

    /// What is written for the rows of it; a `StoreError` that it throws is the result, and nothing is changed then.
    let second: @Sendable ([Rows], Connection) throws -> Second
}

extension ChangeWriter {
    /// Reads and writes in one transaction of two round trips, and returns what is seen in what was written.
    func decide<Value: Sendable>(
        reaching point: FailPoint,
        reading first: [Statement],
        writing second:
            @escaping @Sendable ([Rows], Connection) throws -> (
                statements: [Statement], look: Statement?, decode: (Rows?) -> Value
            )
    ) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            let halves = TransactionHalves(first: first) { rows, connection in
                let written = try second(rows, connection)
                return TransactionHalves.Second(statements: written.statements, look: written.look) { rows in
                    let value = written.decode(rows)
                    return { continuation.resume(returning: value) }
                }
            }
            var operation = Operation(work: .halves(halves), answerFailure: { continuation.resume(throwing: $0) })
            operation.point = point
            submit(operation)
        }
    }

    /// Carries out both halves; nil where it turned out that nothing of it came about.
    func attempt(
        _ halves: TransactionHalves,
        of operation: Operation,
        _ token: UUID,
        over connection: Connection,
        until deadline: ContinuousClock.Instant
    ) throws(DatabaseError) -> (@Sendable () -> Void)? {
        let beginning = connection.beginWriting + [Self.keep(token)]
        let rows = try connection.execute(beginning + halves.first)
        let second: TransactionHalves.Second
        do {
            second = try halves.second(Array(rows.dropFirst(beginning.count)), connection)
        } catch let error as DatabaseError {
            throw error
        } catch {
            _ = try connection.execute([.rollback])
            return { operation.fail(error) }
        }
        guard !second.statements.isEmpty else {
            _ = try connection.execute([.rollback])
            return second.answer(nil)
        }
        let looks = second.look.map { [$0] } ?? []
        do throws(DatabaseError) {
            let written = try connection.execute(second.statements + looks + [.commit], reaching: operation.point)
            try connection.confirmCommit()
            return second.answer(looks.isEmpty ? nil : written[second.statements.count])
        } catch {
            guard case .lost = error else { throw error }
            tally.meetUnknownOutcome()
            guard try isCommitted(token, over: connection, until: deadline) else { return nil }
            return second.answer(try looks.isEmpty ? nil : connection.execute(looks)[0])
        }
    }
}
