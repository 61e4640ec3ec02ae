/// The first and the last bytes of a stream, and how many there were.
package struct KeptOutput: Sendable, Equatable {
    private let limit: Int
    private var head: [UInt8] = []
    private var tail: [UInt8] = []

    /// How many bytes came.
    package private(set) var count = 0

    /// Keeps `limit` bytes from each end.
    package init(limit: Int) {
        self.limit = limit
    }

    /// Adds the next bytes of the stream; what belongs to neither end is dropped, but counted.
    package mutating func append(_ bytes: some Collection<UInt8>) {
        count += bytes.count
        let room = limit - head.count
        head += bytes.prefix(room)
        tail += bytes.dropFirst(room).suffix(limit)
        // Trimmed at twice the limit, so that many small pieces do not move the bytes each time.
        if tail.count > 2 * limit { tail.removeFirst(tail.count - limit) }
    }

    /// Whether nothing was left out.
    package var isWhole: Bool { count <= 2 * limit }

    /// The text that was kept, with a note in the place of what was left out.
    package var text: String {
        guard !isWhole else { return String(decoding: head + tail, as: UTF8.self) }
        let start = head.droppingCutScalarAtEnd
        let end = tail.suffix(limit).droppingCutScalarAtStart
        let leftOut = count - start.count - end.count
        return String(decoding: start, as: UTF8.self)
            + "\n[… \(leftOut) bytes left out …]\n" + String(decoding: end, as: UTF8.self)
    }
}

extension Collection<UInt8> where Self: BidirectionalCollection {
    private static func isContinuation(_ byte: UInt8) -> Bool { byte & 0xC0 == 0x80 }

    fileprivate var droppingCutScalarAtStart: SubSequence {
        dropFirst(prefix(3).prefix { Self.isContinuation($0) }.count)
    }

    fileprivate var droppingCutScalarAtEnd: SubSequence {
        let continuations = suffix(3).reversed().prefix { Self.isContinuation($0) }.count
        guard let lead = dropLast(continuations).last, lead >= 0xC0 else { return self[...] }
        let length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2
        return continuations + 1 < length ? dropLast(continuations + 1) : self[...]
    }
}
