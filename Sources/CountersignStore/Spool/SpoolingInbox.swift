package import CountersignCore
package import Foundation
package import Logging
import Synchronization

/// An inbox that goes on storing while its store cannot.
///
/// What the store refuses, or has not answered in time, goes to the spool.
/// While anything is in the spool, everything goes through it, so that the order stays. Who drains it is `SpoolDrain`.
package final class SpoolingInbox: Inbox {
    /// Why a callback goes to the spool.
    private enum Cause: Sendable, CustomStringConvertible {
        case noStore
        case late(Duration)
        case refused(any Error)
        /// Others are in the spool, which came before.
        case order

        var description: String {
            switch self {
            case .noStore: "the store cannot be opened"
            case .late(let limit): "the store has not answered within \(limit.text)"
            case .refused(let error): "\(error)"
            case .order: "earlier callbacks were still in the spool"
            }
        }
    }

    /// Notified when the store has stored an event; one in the spool rings when it is drained.
    package let arrivals: AsyncSignal

    private let store: (any Inbox)?
    private let spool: Spool
    private let limit: Duration
    private let clock: any WallClock
    private let calls: PendingCalls
    private let logger: Logger

    /// - Parameters:
    ///   - store: What stores events; nil while it cannot be opened.
    ///   - spool: Where they are kept meanwhile.
    ///   - limit: How long the store may take.
    ///   - clock: Tells when that is over.
    ///   - logger: Where it is logged when spooling begins.
    package init(
        store: (any Inbox)?,
        spool: Spool,
        after limit: Duration,
        clock: any WallClock,
        logger: Logger
    ) {
        self.store = store
        self.spool = spool
        self.limit = limit
        self.clock = clock
        self.logger = logger
        arrivals = store?.arrivals ?? AsyncSignal()
        calls = PendingCalls()
    }

    /// The identity of the store, which the spool knows as well.
    package var identity: String { store?.identity ?? spool.identity }

    /// Stores one event, in the store or in the spool.
    package func append(_ delivery: Delivery, at now: Date) async throws -> Receipt {
        try await withCheckedThrowingContinuation { continuation in
            append(delivery, at: now) { continuation.resume(with: $0) }
        }
    }

    /// Stores one event for a caller that is no task; `reply` is called once, on any thread.
    package func append(
        _ delivery: Delivery,
        at now: Date,
        then reply: @escaping @Sendable (Result<Receipt, any Error>) -> Void
    ) {
        var request = Request<Receipt>(record: SpoolRecord(delivery, at: now), spooled: .spooled, reply: reply)
        if let store { request.store = { store.append(delivery, at: now, then: $0) } }
        take(request)
    }

    /// Keeps a body apart, in the store or in the spool, where it has no number yet.
    package func quarantine(_ body: UnreadableBody, at now: Date) async throws -> Int64? {
        try await withCheckedThrowingContinuation { continuation in
            var request = Request<Int64?>(record: SpoolRecord(body, at: now), spooled: nil) {
                continuation.resume(with: $0)
            }
            if let store { request.store = { store.quarantine(body, at: now, then: $0) } }
            take(request)
        }
    }

    /// Makes sure that the store can write; the spool is not asked.
    package func confirmWritable() async throws {
        guard let store else { throw StoreError.cannotWrite("the store could not be opened") }
        try await store.confirmWritable()
    }

    /// Spools what the store has not answered in time, until the task is cancelled.
    package func watch() async {
        while !Task.isCancelled {
            guard let deadline = calls.earliestDeadline() else {
                await calls.began.wait()
                continue
            }
            try? await clock.sleep(until: deadline)
            for call in calls.overdue(at: clock.now) { call.expire() }
        }
    }
}

extension SpoolingInbox {
    /// Something to be stored, and who waits for it.
    private struct Request<Value: Sendable>: Sendable {
        typealias Reply = @Sendable (Result<Value, any Error>) -> Void

        let record: SpoolRecord

        /// Has the store do it; nil while there is no store.
        var store: (@Sendable (@escaping Reply) -> Void)?

        /// What is answered when it is in the spool.
        let spooled: Value
        let reply: Reply
    }

    private func take<Value>(_ request: Request<Value>) {
        guard let store = request.store else { return spool(request, because: .noStore) }
        guard spool.isUsable else { return store(request.reply) }
        guard spool.isEmpty else { return spool(request, because: .order) }
        let deadline = clock.now.addingTimeInterval(limit.timeInterval)
        let call = calls.begin(deadline) { [self] in spool(request, because: .late(limit)) }
        store { [self] result in
            // A late answer changes nothing: the store recognizes the event when the spool is drained.
            guard calls.end(call) else { return }
            switch result {
            case .success: request.reply(result)
            case .failure(let error): spool(request, because: .refused(error))
            }
        }
    }

    /// Puts it into the spool; where that is full, the store has the last word.
    private func spool<Value>(_ request: Request<Value>, because cause: Cause) {
        let isFirst = spool.append(request.record, because: "\(cause)") { result in
            switch (result, cause, request.store) {
            case (.success, _, _): request.reply(.success(request.spooled))
            case (.failure, .order, let store?): store(request.reply)
            case (.failure(let error), _, _): request.reply(.failure(error))
            }
        }
        if isFirst {
            logger.warning(
                "Callbacks are spooled until the store stores again",
                metadata: ["reason": "\(cause)", "spool": "\(spool.path)"]
            )
        }
    }
}

/// The calls to the store that have no answer yet.
private final class PendingCalls: Sendable {
    struct Call: Sendable {
        let deadline: Date
        let expire: @Sendable () -> Void
    }

    private struct State {
        var calls: [UInt64: Call] = [:]
        var last: UInt64 = 0
        var isWatcherIdle = false
    }

    /// Notified when a call has begun and nobody watched any.
    let began = AsyncSignal()

    private let state = Mutex(State())

    func begin(_ deadline: Date, expire: @escaping @Sendable () -> Void) -> UInt64 {
        let (id, mustWake) = state.withLock { state in
            state.last += 1
            state.calls[state.last] = Call(deadline: deadline, expire: expire)
            defer { state.isWatcherIdle = false }
            return (state.last, state.isWatcherIdle)
        }
        if mustWake { began.notify() }
        return id
    }

    /// Ends a call; false when it was overdue.
    func end(_ id: UInt64) -> Bool { state.withLock { $0.calls.removeValue(forKey: id) != nil } }

    /// When the first call is overdue; without any, the next one rings.
    func earliestDeadline() -> Date? {
        state.withLock { state in
            let deadline = state.calls.values.map(\.deadline).min()
            state.isWatcherIdle = deadline == nil
            return deadline
        }
    }

    /// Takes out the calls that are overdue, in the order in which they began.
    func overdue(at now: Date) -> [Call] {
        state.withLock { state in
            let ids = state.calls.filter { $0.value.deadline <= now }.keys.sorted()
            return ids.compactMap { state.calls.removeValue(forKey: $0) }
        }
    }
}
