import Foundation
import Glibc
import Logging
import UnixSignals

/// Ends the program at once when it is asked to stop a second time.
///
/// Nothing is lost by that: what was acknowledged is on disk, and what is under way is begun again after the next start.
struct ForcedShutdown {
    /// The exit status of a program that a signal stopped before it was done, by the shell's custom (128 + SIGTERM).
    static let exitStatus: Int32 = 143

    let logger: Logger

    /// Has `work` run, and the process end when a second request to stop comes before it is done.
    func watch(over work: @escaping @Sendable () async throws -> Void) async throws {
        try await withThrowingTaskGroup { group in
            group.addTask { await run() }
            group.addTask { try await work() }
            // The watch ends by being cancelled only, so the work is what comes first.
            try await group.next()
            group.cancelAll()
        }
    }

    private func run() async {
        var count = 0
        for await _ in await UnixSignalsSequence(trapping: .sigterm, .sigint) {
            count += 1
            guard count > 1 else {
                logger.info("Stopping, waiting for running steps")
                continue
            }
            logger.warning("Second stop signal, stopping immediately")
            // What programs leave behind is ended at the next start.
            _exit(Self.exitStatus)
        }
    }
}
