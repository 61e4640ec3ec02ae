import Synchronization
import Testing

@testable import CountersignListener

struct PendingBodiesTests {
    private let admitted = Admitted()

    private func enter(_ bodies: PendingBodies, _ number: UInt64, _ bytes: Int) -> Bool {
        bodies.enter(DeliveryID(number), bytes: bytes) { [admitted] in admitted.add(number) }
    }

    @Test func `bodies share the room, and those beyond it wait for their turn`() {
        let bodies = PendingBodies(limit: 8 << 20)
        #expect(enter(bodies, 1, 4 << 20) && enter(bodies, 2, 3 << 20))
        #expect(!enter(bodies, 3, 2 << 20) && !enter(bodies, 4, 1 << 20))
        bodies.leave(bytes: 3 << 20)
        #expect(admitted.numbers == [3, 4])
        bodies.leave(bytes: 4 << 20)
        #expect(enter(bodies, 5, 4 << 20))
    }

    @Test func `a small body finds room where large ones take all that they may`() {
        let bodies = PendingBodies(limit: 8 << 20)
        #expect(enter(bodies, 1, 7 << 20) && !enter(bodies, 2, 1 << 20))
        #expect(enter(bodies, 3, 500))
        #expect(admitted.numbers.isEmpty)
    }

    @Test func `one that alone is larger than all the room is admitted when nothing else is under way`() {
        let bodies = PendingBodies(limit: 1 << 20)
        #expect(enter(bodies, 1, 100) && !enter(bodies, 2, 2 << 20))
        bodies.leave(bytes: 100)
        #expect(admitted.numbers == [2])
    }

    @Test func `who gives up leaves its place to the next`() {
        let bodies = PendingBodies(limit: 8 << 20)
        #expect(enter(bodies, 1, 7 << 20) && !enter(bodies, 2, 6 << 20) && !enter(bodies, 3, 1 << 20))
        #expect(bodies.giveUp(DeliveryID(2)) && !bodies.giveUp(DeliveryID(2)))
        bodies.leave(bytes: 7 << 20)
        #expect(admitted.numbers == [3])
    }
}

/// Who was admitted, in turn.
private final class Admitted: Sendable {
    private let state = Mutex<[UInt64]>([])

    var numbers: [UInt64] { state.withLock { $0 } }

    func add(_ number: UInt64) { state.withLock { $0.append(number) } }
}
