import Foundation

/// Records that were written together, with one write and one sync.
///
/// It begins with a block, and its checksum is over everything: a frame that was torn by a crash is not taken for one.
struct SpoolFrame: Equatable {
    static let blockSize = 4_096

    /// The bytes before the records.
    static let headSize = 44

    private static let magic = Array("CSGFRAME".utf8)
    private static let checksumOffset = 40

    /// What is known of a frame before it is read as a whole.
    struct Head {
        let sequence: UInt64
        let count: Int

        /// How many bytes the records take.
        let length: Int
        fileprivate let checksum: UInt32

        /// How many blocks the frame takes.
        var blocks: Int { SpoolFrame.blocks(for: length) }

        /// Reads the head of a frame of the spool `spoolID`; nil where none begins.
        ///
        /// The id is known to nobody outside, so that no body can hold what passes for a frame.
        init?(_ bytes: ArraySlice<UInt8>, of spoolID: UUID) {
            var reader = SpoolReader(bytes)
            guard reader.raw(8).map(Array.init) == SpoolFrame.magic, reader.uuid() == spoolID,
                let sequence: UInt64 = reader.number(), let count: UInt32 = reader.number(),
                let length: UInt32 = reader.number(), let checksum: UInt32 = reader.number()
            else { return nil }
            self.sequence = sequence
            self.count = Int(count)
            self.length = Int(length)
            self.checksum = checksum
        }
    }

    let sequence: UInt64
    let records: [SpoolRecord]

    /// How many blocks a frame takes whose records take `length` bytes.
    static func blocks(for length: Int) -> Int { (headSize + length + blockSize - 1) / blockSize }

    /// The bytes of a frame with records that are bytes already, up to a whole number of blocks.
    static func bytes(sequence: UInt64, records: [[UInt8]], of spoolID: UUID) -> [UInt8] {
        var writer = SpoolWriter()
        writer.write(raw: magic)
        writer.write(spoolID)
        writer.write(sequence)
        writer.write(UInt32(records.count))
        writer.write(UInt32(records.reduce(0) { $0 + $1.count }))
        writer.write(UInt32(0))
        for record in records { writer.write(raw: record) }
        writer.overwrite(CRC32C.checksum(writer.bytes), at: checksumOffset)
        writer.pad(to: blockSize)
        return writer.bytes
    }

    /// Reads a frame; nil where its bytes are not those that were written.
    init?(_ bytes: [UInt8], of spoolID: UUID) {
        guard let head = Head(bytes[...], of: spoolID), bytes.count >= Self.headSize + head.length else { return nil }
        var whole = bytes[..<(Self.headSize + head.length)]
        whole.replaceSubrange(Self.checksumOffset..<Self.headSize, with: [0, 0, 0, 0])
        guard CRC32C.checksum(whole) == head.checksum else { return nil }
        var reader = SpoolReader(bytes[Self.headSize..<Self.headSize + head.length])
        var records: [SpoolRecord] = []
        for _ in 0..<head.count {
            guard let record = SpoolRecord(from: &reader) else { return nil }
            records.append(record)
        }
        guard reader.rest == 0 else { return nil }
        sequence = head.sequence
        self.records = records
    }
}
