package import CountersignCore
package import CountersignOutbound
import Dispatch
import Synchronization

/// Runs statements of steps, each over a connection of its own.
package struct PostgreSQLQueries: DatabaseQuerying {
    /// A way to every database that a rule names.
    package init() {}

    /// Connects, runs the statement and disconnects, on a thread that may block.
    ///
    /// - Throws: `StepFailure`.
    package func run(_ query: DatabaseQuery) async throws(StepFailure) -> DatabaseAnswer {
        let target = try QueryTarget(query.url)
        let cancellation = Cancellation()
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation {
                (continuation: CheckedContinuation<Result<DatabaseAnswer, StepFailure>, Never>) in
                DispatchQueue.global()
                    .async {
                        let connection = QueryConnection(target) { cancellation.isRequested }
                        continuation.resume(
                            returning: Result { () throws(StepFailure) in try connection.run(query) }
                        )
                    }
            }
        } onCancel: {
            cancellation.request()
        }
        return try result.get()
    }

    private final class Cancellation: Sendable {
        private let flag = Mutex(false)

        var isRequested: Bool { flag.withLock { $0 } }

        func request() { flag.withLock { $0 = true } }
    }
}
