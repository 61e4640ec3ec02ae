/// Which blocks of the ring hold frames that are not in the store yet.
struct SpoolRing {
    /// A frame in its place.
    struct Slot {
        let sequence: UInt64
        let block: Int
        let blocks: Int
        let count: Int

        /// By what the events of the frame are recognized.
        let keys: [[UInt8]]

        /// When the first of them was received, in milliseconds.
        let receivedAt: Int64

        /// The block behind it.
        var end: Int { block + blocks }
    }

    /// How many blocks there are.
    let blocks: Int

    /// The frames, the oldest first.
    private(set) var slots: [Slot] = []

    /// Where the next frame begins.
    private var head = 0

    init(blocks: Int) {
        self.blocks = blocks
    }

    var isEmpty: Bool { slots.isEmpty }

    /// How many records there are.
    private(set) var count = 0

    /// How many blocks are taken, with those that are skipped at the end because a frame did not fit.
    var usedBlocks: Int {
        guard let first = slots.first else { return 0 }
        return head > first.block ? head - first.block : blocks - first.block + head
    }

    /// Where a frame of `size` blocks would go; nil when there is no room for it.
    func place(for size: Int) -> Int? {
        guard let first = slots.first?.block else {
            return size > blocks ? nil : head + size <= blocks ? head : 0
        }
        if head > first {
            if head + size <= blocks { return head }
            return size <= first ? 0 : nil
        }
        return head + size <= first ? head : nil
    }

    /// Takes note of a frame that was written behind the others.
    mutating func add(_ slot: Slot) {
        slots.append(slot)
        head = slot.end
        count += slot.count
    }

    /// Frees the frames up to `sequence` and returns them.
    mutating func remove(through sequence: UInt64) -> [Slot] {
        let gone = Array(slots.prefix { $0.sequence <= sequence })
        slots.removeFirst(gone.count)
        count -= gone.reduce(0) { $0 + $1.count }
        return gone
    }
}
