import Synchronization

/// Bounds the memory that request bodies take together, from the first byte until the store has them or they are refused.
///
/// A body is admitted as a whole, by the length that was announced (or the longest that is allowed), before any of it is
/// read: so those that are admitted can always finish. Nothing is allocated for it. The others wait in turn, unread, in the
/// system's buffers. An eighth is kept for small bodies, as callbacks have, so that large ones cannot keep them out.
final class PendingBodies: Sendable {
    /// Bodies up to this many bytes may use the part that is kept for them; the vendor's have a few hundred.
    private static let small = 64 << 10

    private struct Waiter {
        let id: DeliveryID
        let bytes: Int
        let admit: @Sendable () -> Void
    }

    private struct State {
        var used = 0
        var waiters: [Waiter] = []
    }

    private let limit: Int
    private let state = Mutex(State())

    /// - Parameter limit: The bytes that all bodies may have together; one body alone is admitted even where it has more.
    init(limit: Int) {
        self.limit = limit
    }

    /// Admits a body of `bytes`, or has it wait: `admit` is called once there is room for it, on any thread.
    ///
    /// - Returns: Whether it is admitted now.
    func enter(_ id: DeliveryID, bytes: Int, _ admit: @escaping @Sendable () -> Void) -> Bool {
        state.withLock { state in
            // Who came before is not overtaken by one of its size.
            let isFirst = !state.waiters.contains { $0.bytes > Self.small || bytes <= Self.small }
            if isFirst || bytes <= Self.small, fits(bytes, state) {
                state.used += bytes
                return true
            }
            state.waiters.append(Waiter(id: id, bytes: bytes, admit: admit))
            return false
        }
    }

    /// Takes back a request to enter; false when it was admitted meanwhile, and `leave` is due.
    func giveUp(_ id: DeliveryID) -> Bool {
        state.withLock { state in
            guard let index = state.waiters.firstIndex(where: { $0.id == id }) else { return false }
            state.waiters.remove(at: index)
            return true
        }
    }

    /// Gives the room of a body back that was admitted.
    func leave(bytes: Int) {
        let admitted = state.withLock { state in
            state.used -= bytes
            var admitted: [Waiter] = []
            while let index = state.waiters.firstIndex(where: { fits($0.bytes, state) }),
                index == 0 || state.waiters[index].bytes <= Self.small
            {
                let waiter = state.waiters.remove(at: index)
                state.used += waiter.bytes
                admitted.append(waiter)
            }
            return admitted
        }
        for waiter in admitted { waiter.admit() }
    }

    private func fits(_ bytes: Int, _ state: State) -> Bool {
        let room = bytes <= Self.small ? limit : limit - limit / 8
        return state.used == 0 || state.used + bytes <= room
    }
}
