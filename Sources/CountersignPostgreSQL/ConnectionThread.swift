import CLibpq
import CountersignStore
import Foundation
import Glibc
import Synchronization

/// The thread of one connection: libpq blocks, and may be used by one thread at a time.
///
/// Jobs are done one after the other. Between them the thread waits for the next one, for its hour, and for the server to
/// hang up.
final class ConnectionThread: Sendable {
    typealias Job = @Sendable (Connection) -> Void

    private struct State {
        var jobs: [Job] = []
        var isClosed = false

        /// Whether the routine is to be done at once.
        var isHastened = false

        /// Whether the thread is gone, and its eventfd with it: the number may belong to somebody else by now.
        var isEnded = false
    }

    /// What is done from time to time, and when the server says something by itself.
    struct Routine: Sendable {
        /// How long until it is done for the first time.
        let first: Duration

        /// Does it, and says how long until it is done again.
        let job: @Sendable (Connection) -> Duration

        /// What is done at equal distances.
        static func every(_ pause: Duration, _ job: @escaping Job) -> Routine {
            Routine(first: pause) { connection in
                job(connection)
                return pause
            }
        }
    }

    private let state = Mutex(State())

    /// An eventfd: written to when something is to be done.
    private let bell: CInt

    /// Starts the thread; the connection is made on it, when it is first needed.
    init(_ name: String, routine: Routine? = nil, making: @escaping @Sendable () -> Connection) {
        bell = eventfd(0, CInt(EFD_CLOEXEC) | CInt(EFD_NONBLOCK))
        let thread = Thread { [self] in serve(making(), routine) }
        thread.name = name
        thread.start()
    }

    /// Does a job on the thread, behind those that wait already; false where the thread has ended.
    @discardableResult
    func perform(_ job: @escaping Job) -> Bool {
        let isTaken = state.withLock { state in
            guard !state.isClosed else { return false }
            state.jobs.append(job)
            return true
        }
        if isTaken { ring() }
        return isTaken
    }

    /// Has the routine done at once, behind the jobs that wait.
    func hasten() {
        state.withLock { $0.isHastened = true }
        ring()
    }

    /// Ends the thread and its connection when the jobs are done that wait by now.
    func close() {
        state.withLock { $0.isClosed = true }
        ring()
    }

    /// What `body` gives, for who may block.
    func wait<Value: Sendable>(
        for body: @escaping @Sendable (Connection) throws -> Value
    ) throws -> Value {
        let result = Mutex<Result<Value, any Error>>(.failure(StoreError.unreachable("the store is closed")))
        let done = DispatchSemaphore(value: 0)
        let isTaken = perform { connection in
            let outcome = Result { try body(connection) }
            result.withLock { $0 = outcome }
            done.signal()
        }
        if isTaken { done.wait() }
        return try result.withLock { $0 }.get()
    }

    private func ring() {
        state.withLock { state in
            guard !state.isEnded else { return }
            var one: UInt64 = 1
            _ = Glibc.write(bell, &one, 8)
        }
    }

    private func end() {
        state.withLock { state in
            state.isEnded = true
            Glibc.close(bell)
        }
    }

    private func serve(_ connection: Connection, _ routine: Routine?) {
        defer {
            connection.drop()
            end()
        }
        var due = routine.map { ContinuousClock.now + $0.first }
        while true {
            let (job, isClosed, isHastened) = state.withLock { state -> (Job?, Bool, Bool) in
                if !state.jobs.isEmpty { return (state.jobs.removeFirst(), state.isClosed, false) }
                defer { state.isHastened = false }
                return (nil, state.isClosed, state.isHastened)
            }
            if let job {
                job(connection)
            } else if isClosed {
                return
            } else if let routine, let hour = due, isHastened || hour <= ContinuousClock.now {
                due = ContinuousClock.now + routine.job(connection)
            } else if idle(connection, until: due) {
                due = ContinuousClock.now
            }
        }
    }

    /// Waits for something to do; true where the server said something that the routine waits for.
    private func idle(_ connection: Connection, until due: ContinuousClock.Instant?) -> Bool {
        var descriptors = [pollfd(fd: bell, events: Int16(POLLIN), revents: 0)]
        // A negative number is passed over.
        descriptors.append(pollfd(fd: connection.socket ?? -1, events: Int16(POLLIN), revents: 0))
        let rest = due.map { CInt(max(0, min(($0 - ContinuousClock.now).milliseconds + 1, 60_000))) } ?? -1
        guard poll(&descriptors, 2, rest) > 0 else { return false }
        if descriptors[0].revents != 0 {
            var count: UInt64 = 0
            _ = Glibc.read(bell, &count, 8)
        }
        guard descriptors[1].revents != 0 else { return false }
        if connection.isListening { return true }
        // Nothing was asked, so the server is about to hang up; the next call makes a new connection.
        connection.drop()
        return false
    }
}
