import CountersignCore
import CountersignStore
import CountersignTesting
import Foundation
import Synchronization

/// A store in memory that can be told to refuse everything, to refuse some events, or to keep everybody waiting.
final class InboxDouble: Inbox {
    private struct State {
        var refusal: StoreError?
        var refusedNames: Set<String> = []
        var isHeld = false
        var held: [@Sendable () -> Void] = []
    }

    let memory = MemoryStore()

    /// Rings when a call is kept waiting.
    let holds = AsyncSignal()

    private let state = Mutex(State())

    var identity: String { memory.identity }
    var arrivals: AsyncSignal { memory.arrivals }

    func refuse(_ refusal: StoreError?) { state.withLock { $0.refusal = refusal } }

    /// Refuses events of a name, as a database refuses a single row.
    func refuse(eventsNamed name: String) { state.withLock { _ = $0.refusedNames.insert(name) } }

    func hold() { state.withLock { $0.isHeld = true } }

    /// Has what was kept waiting done.
    func release() {
        let held = state.withLock { state in
            defer { (state.isHeld, state.held) = (false, []) }
            return state.held
        }
        for call in held { call() }
    }

    /// The packages of the events that are stored, in order.
    func packages() async throws -> [String] {
        try await memory.events(EventQuery(limit: 1_000)).map(\.event)
            .filter { !$0.name.hasPrefix("X_") }
            .sorted { $0.id.rawValue < $1.id.rawValue }
            .map { $0.payload["packageId"]?.string ?? "" }
    }

    private func pass(_ name: String?) throws {
        try state.withLock { state in
            if let refusal = state.refusal { throw refusal }
            if let name, state.refusedNames.contains(name) { throw StoreError.cannotWrite("it is too big") }
        }
    }

    private func wait() async {
        await withCheckedContinuation { continuation in
            let isHeld = state.withLock { state in
                if state.isHeld { state.held.append { continuation.resume() } }
                return state.isHeld
            }
            if isHeld { holds.notify() } else { continuation.resume() }
        }
    }

    func append(_ delivery: Delivery, at now: Date) async throws -> Receipt {
        await wait()
        try pass(delivery.name)
        return try await memory.append(delivery, at: now)
    }

    func quarantine(_ body: UnreadableBody, at now: Date) async throws -> Int64? {
        await wait()
        try pass(nil)
        return try await memory.quarantine(body, at: now)
    }

    func confirmWritable() async throws { try pass(nil) }
}
