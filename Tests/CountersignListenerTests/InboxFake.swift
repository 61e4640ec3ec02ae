import CountersignCore
import CountersignStore
import Foundation
import Synchronization

/// An inbox in memory that can be told to fail, or to keep everybody waiting.
final class InboxFake: Inbox {
    private struct State {
        var deliveries: [Delivery] = []
        var quarantined: [UnreadableBody] = []
        var failure: (any Error)?
        var isHeld = false
        var held: [CheckedContinuation<Void, Never>] = []
        var calls = 0
    }

    let identity = "0123456789abcdef"
    let arrivals = AsyncSignal()

    /// Rings when a call arrived.
    let calls = AsyncSignal()

    private let state = Mutex(State())

    var deliveries: [Delivery] { state.withLock { $0.deliveries } }
    var quarantined: [UnreadableBody] { state.withLock { $0.quarantined } }
    var callCount: Int { state.withLock { $0.calls } }

    func fail(with error: (any Error)?) {
        state.withLock { $0.failure = error }
    }

    /// Keeps all calls waiting until `release`.
    func hold() {
        state.withLock { $0.isHeld = true }
    }

    func release() {
        let held = state.withLock { state in
            defer { state.held = [] }
            state.isHeld = false
            return state.held
        }
        for continuation in held { continuation.resume() }
    }

    private func enter() async throws {
        state.withLock { $0.calls += 1 }
        calls.notify()
        await withCheckedContinuation { continuation in
            let goesOn = state.withLock { state in
                if state.isHeld { state.held.append(continuation) }
                return !state.isHeld
            }
            if goesOn { continuation.resume() }
        }
        if let failure = state.withLock({ $0.failure }) { throw failure }
    }

    func append(_ delivery: Delivery, at now: Date) async throws -> Receipt {
        try await enter()
        return state.withLock { state in
            let known = state.deliveries.firstIndex {
                $0.deduplicationKey != nil && $0.deduplicationKey == delivery.deduplicationKey
            }
            if let known { return .duplicate(of: Event.ID(rawValue: Int64(known + 1))) }
            state.deliveries.append(delivery)
            return .stored(Event.ID(rawValue: Int64(state.deliveries.count)))
        }
    }

    func quarantine(_ body: UnreadableBody, at now: Date) async throws -> Int64? {
        try await enter()
        return state.withLock { state in
            state.quarantined.append(body)
            return Int64(state.quarantined.count)
        }
    }

    func confirmWritable() async throws {
        try await enter()
    }
}

/// A clock that stands until somebody moves it; who sleeps moves it on.
final class SteppedClock: WallClock {
    private let time = Mutex(Date(timeIntervalSince1970: 1_530_389_701))

    var now: Date { time.withLock { $0 } }

    func advance(by duration: Duration) {
        time.withLock { $0 += duration.timeInterval }
    }

    func sleep(until deadline: Date) async throws {
        try Task.checkCancellation()
        time.withLock { $0 = max($0, deadline) }
    }
}
