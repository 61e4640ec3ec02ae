import CountersignStore
import Glibc
package import Logging
import ServiceLifecycle
import Synchronization
import UnixSignals

/// Hears SIGTERM and SIGINT over the whole life of a server: the first one stops its services, a second one ends the program.
///
/// There is one watch for all groups of services that follow each other. A signal that comes between two of them, or before the
/// first one runs, stops the next one as it starts. Nothing is lost by ending at once: what was acknowledged is on disk, and what is
/// under way is begun again after the next start.
package final class StopSignals: Service {
    /// The exit status of a program that a signal stopped before it was done, by the shell's custom (128 + SIGTERM).
    private static let exitStatus: Int32 = 143

    private let logger: Logger
    private let requests: AsyncStream<Void>?
    private let state = Mutex(false)
    private let requested = AsyncSignal()

    /// - Parameters:
    ///   - logger: Where it tells what was asked for.
    ///   - requests: Requests to stop in the place of the signals that the process is sent.
    package init(logger: Logger, requests: AsyncStream<Void>? = nil) {
        self.logger = logger
        self.requests = requests
    }

    /// Whether the program was asked to stop.
    package var isRequested: Bool { state.withLock { $0 } }

    /// Hears signals while `work` runs.
    ///
    /// - Throws: What `work` throws.
    package func watch(over work: @escaping @Sendable () async throws -> Void) async throws {
        let signals = requests == nil ? await UnixSignalsSequence(trapping: .sigterm, .sigint) : nil
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                if let requests = self.requests { for await _ in requests { self.hear() } }
                if let signals { for await _ in signals { self.hear() } }
                return false
            }
            group.addTask {
                try await work()
                return true
            }
            // Hearing may end before the work, which is waited for.
            while try await group.next() == false {}
            group.cancelAll()
        }
    }

    /// As one of a group of services: ends once the program is asked to stop, at once where it was already.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !self.isRequested, !Task.isCancelled { await self.requested.wait() }
        }
    }

    private func hear() {
        let isFirst = state.withLock { isRequested in
            defer { isRequested = true }
            return !isRequested
        }
        guard isFirst else {
            logger.warning("Second stop signal, stopping immediately")
            // What programs leave behind is ended at the next start.
            _exit(Self.exitStatus)
        }
        logger.info("Stopping, waiting for running steps")
        requested.notify()
    }
}
