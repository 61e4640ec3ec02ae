package import CountersignCore
import Foundation
import Synchronization

/// Callbacks on disk that the store cannot store yet, in the order in which they were received.
///
/// A file that was written once as a whole and is overwritten in place since: so it works on a disk that is full, beside
/// a store that is gone. Callbacks that wait while one frame is written share the next one; nobody is answered before it
/// is on stable storage. After a failed sync nothing is written any more: nobody knows then what the disk holds.
package final class Spool: Sendable {
    /// A callback that waits to be written.
    private struct Waiting: Sendable {
        let record: [UInt8]
        let key: [UInt8]
        let receivedAt: Int64
        let reply: @Sendable (Result<Void, SpoolError>) -> Void
    }

    private struct State {
        var ring: SpoolRing
        var header: SpoolHeader
        var sequence: UInt64
        var waiting: [Waiting] = []
        var isBusy = false
        var keys: Set<[UInt8]> = []
        var since: Int64?
        var cause: String?
        var frames = 0
        var refused = 0
        var isEnded = false

        var isEmpty: Bool { ring.isEmpty && waiting.isEmpty && !isBusy }
    }

    /// Frames whose records are read back together.
    package struct Batch: Sendable {
        /// The last frame of it.
        package let end: UInt64

        /// Their callbacks, the oldest first.
        package let records: [SpoolRecord]

        /// Frames that cannot be read back, as bodies to quarantine.
        package let damages: [UnreadableBody]
    }

    private static let mostRecords = 512
    private static let mostBytes = 1 << 20

    /// Where the file lies.
    package let path: String

    /// Notified when a callback was spooled.
    package let arrivals = AsyncSignal()

    /// What is not as it was written, as found at the opening.
    package let damages: [String]

    private let file: SpoolFile
    private let spoolID: UUID
    private let state: Mutex<State>
    private let queue = DispatchQueue(label: "countersign.spool", qos: .userInitiated)

    init(_ file: SpoolFile, _ contents: SpoolContents, identity: String) {
        self.file = file
        path = file.path
        damages = contents.damages
        var header = contents.header
        header.identity = identity
        spoolID = header.spoolID
        var ring = SpoolRing(blocks: header.ringBlocks)
        for (frame, block, blocks) in contents.frames { ring.add(.init(frame, block: block, blocks: blocks)) }
        let last = contents.frames.last?.frame.sequence ?? header.tail
        var state = State(ring: ring, header: header, sequence: last)
        state.keys = Set(ring.slots.flatMap(\.keys))
        state.since = ring.slots.first?.receivedAt
        self.state = Mutex(state)
    }

    /// The identity of the store that the callbacks are for.
    package var identity: String { header.identity }

    /// The header as it was written last.
    var header: SpoolHeader { state.withLock { $0.header } }

    /// Whether nothing is in it, and nothing on its way into it.
    package var isEmpty: Bool { state.withLock { $0.isEmpty } }

    /// Whether it takes callbacks as long as there is room.
    package var isUsable: Bool { state.withLock { !$0.isEnded } }

    /// How it is now.
    package var status: SpoolStatus {
        state.withLock { state in
            var status = SpoolStatus()
            status.events = state.ring.count
            status.used = Self.size(state.ring.usedBlocks)
            status.size = Self.size(state.ring.blocks)
            status.since = state.since.map { Date(milliseconds: $0) }
            status.cause = state.cause
            status.oldest = state.ring.slots.first.map { Date(milliseconds: $0.receivedAt) }
            status.frames = state.frames
            status.refused = state.refused
            status.isEnded = state.isEnded
            return status
        }
    }

    private static func size(_ blocks: Int) -> ByteSize { ByteSize(bytes: Int64(blocks * SpoolFrame.blockSize)) }

    /// Puts a callback on stable storage; one of an event that is in the spool already is answered like that event.
    ///
    /// - Parameters:
    ///   - record: The callback.
    ///   - cause: Why it is not in the store; the first one is remembered until the spool is empty.
    ///   - reply: Called once, on any thread.
    /// - Returns: Whether nothing was in the spool before.
    @discardableResult
    package func append(
        _ record: SpoolRecord,
        because cause: String? = nil,
        then reply: @escaping @Sendable (Result<Void, SpoolError>) -> Void
    ) -> Bool {
        var writer = SpoolWriter()
        record.write(to: &writer)
        let waiting = Waiting(
            record: writer.bytes,
            key: record.key,
            receivedAt: record.receivedAt.milliseconds,
            reply: reply
        )
        let (isEnded, isFirst, mustStart) = state.withLock { state in
            guard !state.isEnded else {
                state.refused += 1
                return (true, false, false)
            }
            let isFirst = state.isEmpty
            if isFirst { state.cause = cause }
            state.waiting.append(waiting)
            defer { state.isBusy = true }
            return (false, isFirst, !state.isBusy)
        }
        if isEnded { reply(.failure(.ended(path: path))) }
        if mustStart { queue.async { self.writeWaiting() } }
        return isFirst
    }

    /// Lets go of the file once what is under way is written.
    package func close() async {
        await withCheckedContinuation { continuation in
            queue.async {
                self.file.unlock()
                continuation.resume()
            }
        }
    }
}

extension Spool {
    private func writeWaiting() {
        while case let batch = nextBatch(), !batch.isEmpty { write(batch[...]) }
    }

    private func nextBatch() -> [Waiting] {
        state.withLock { state in
            var bytes = 0
            let batch = Array(
                state.waiting.prefix(Self.mostRecords)
                    .prefix { waiting in
                        bytes += waiting.record.count
                        return bytes <= Self.mostBytes || bytes == waiting.record.count
                    }
            )
            state.waiting.removeFirst(batch.count)
            state.isBusy = !batch.isEmpty
            return batch
        }
    }

    /// Writes a batch as one frame, or as several where there is no room for one.
    private func write(_ batch: ArraySlice<Waiting>) {
        let new = state.withLock { state in
            var keys: Set<[UInt8]> = []
            return batch.filter { !state.keys.contains($0.key) && keys.insert($0.key).inserted }
        }
        guard !new.isEmpty else { return answer(batch, .success(())) }
        let size = SpoolFrame.blocks(for: new.reduce(0) { $0 + $1.record.count })
        guard let block = state.withLock({ $0.ring.place(for: size) }) else {
            guard batch.count > 1 else { return refuse(batch) }
            let middle = batch.startIndex + batch.count / 2
            write(batch[..<middle])
            return write(batch[middle...])
        }
        do {
            try write(new, at: block, blocks: size)
            FailPoint.afterSpooling.reach()
            answer(batch, .success(()))
            arrivals.notify()
        } catch {
            if case .ended = error { state.withLock { $0.isEnded = true } }
            state.withLock { $0.refused += batch.count }
            answer(batch, .failure(error))
        }
    }

    private func write(_ new: [Waiting], at block: Int, blocks: Int) throws(SpoolError) {
        guard isUsable else { throw .ended(path: path) }
        let sequence = state.withLock { $0.sequence + 1 }
        let bytes = SpoolFrame.bytes(sequence: sequence, records: new.map(\.record), of: spoolID)
        try file.write(bytes, at: SpoolHeader.blocks + block)
        try file.sync()
        let slot = SpoolRing.Slot(
            sequence: sequence,
            block: block,
            blocks: blocks,
            count: new.count,
            keys: new.map(\.key),
            receivedAt: new.map(\.receivedAt).min() ?? 0
        )
        state.withLock { state in
            state.sequence = sequence
            state.since = state.since ?? slot.receivedAt
            state.keys.formUnion(slot.keys)
            state.ring.add(slot)
            state.frames += 1
        }
    }

    private func refuse(_ batch: ArraySlice<Waiting>) {
        let size = state.withLock { state in
            state.refused += batch.count
            return Self.size(state.ring.blocks)
        }
        answer(batch, .failure(.full(path: path, size)))
    }

    private func answer(_ batch: ArraySlice<Waiting>, _ result: Result<Void, SpoolError>) {
        for waiting in batch { waiting.reply(result) }
    }
}

extension Spool {
    /// Reads the oldest frames back, with `limit` records or one frame at the most; nil when there are none.
    ///
    /// - Throws: `SpoolError`.
    package func oldest(limit: Int) throws(SpoolError) -> Batch? {
        let slots = state.withLock { Array($0.ring.slots.prefix(limit)) }
        var (records, damages): ([SpoolRecord], [UnreadableBody]) = ([], [])
        var end: UInt64?
        for slot in slots {
            // Frames are freed up to the last one, so none is passed over.
            guard end == nil || records.count + slot.count <= limit else { break }
            let bytes = try file.read(slot.blocks, at: SpoolHeader.blocks + slot.block)
            if let frame = SpoolFrame(bytes, of: spoolID), frame.sequence == slot.sequence {
                records += frame.records
            } else {
                let reason = "a frame of the spool with \(slot.count) callbacks was damaged on the disk"
                damages.append(UnreadableBody(body: bytes, reason: reason))
            }
            end = slot.sequence
            if records.count >= limit { break }
        }
        return end.map { Batch(end: $0, records: records, damages: damages) }
    }

    /// Frees the frames up to `sequence`, whose records are in the store.
    ///
    /// - Throws: `SpoolError`; where the header cannot be written, they are stored again after a restart, which changes
    ///   nothing.
    package func remove(through sequence: UInt64) async throws(SpoolError) {
        let result: Result<Void, SpoolError> = await withCheckedContinuation { continuation in
            queue.async {
                do throws(SpoolError) {
                    try self.moveTail(to: sequence)
                    continuation.resume(returning: .success(()))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        try result.get()
    }

    private func moveTail(to sequence: UInt64) throws(SpoolError) {
        var header = state.withLock { $0.header }
        header.tail = max(header.tail, sequence)
        try writeHeader(header)
        state.withLock { state in
            for slot in state.ring.remove(through: sequence) { state.keys.subtract(slot.keys) }
            if state.ring.isEmpty { state.since = nil }
        }
    }

    /// Writes the header in the place of the older copy; after a failed sync it is only remembered.
    func writeHeader(_ new: SpoolHeader) throws(SpoolError) {
        var header = new
        header.revision += 1
        if isUsable {
            do {
                try file.write(header.bytes, at: header.block)
                try file.sync()
            } catch {
                guard case .ended = error else { throw error }
                state.withLock { $0.isEnded = true }
            }
        }
        state.withLock { $0.header = header }
    }
}

extension SpoolRing.Slot {
    /// The place of a frame that was read from a file.
    init(_ frame: SpoolFrame, block: Int, blocks: Int) {
        self.init(
            sequence: frame.sequence,
            block: block,
            blocks: blocks,
            count: frame.records.count,
            keys: frame.records.map(\.key),
            receivedAt: frame.records.map(\.receivedAt.milliseconds).min() ?? 0
        )
    }
}
