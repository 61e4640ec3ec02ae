import Foundation

/// What a spool says of itself, in two blocks that are written alternately: one of them is whole, whatever crashes.
struct SpoolHeader: Equatable {
    private static let magic = Array("CSGSPOOL".utf8)
    private static let version: UInt32 = 1

    /// How many blocks the two copies take.
    static let blocks = 2

    /// The identity of the store that the records are for.
    var identity: String

    /// A random number that frames of this file bear.
    let spoolID: UUID

    /// The last frame that is in the store.
    var tail: UInt64 = 0

    /// How often it was written; the copy with the higher number counts.
    var revision: UInt64 = 0

    /// How many blocks there are for frames.
    let ringBlocks: Int

    /// The block that holds this revision.
    var block: Int { Int(revision % UInt64(Self.blocks)) }

    /// A header for a new file.
    init(identity: String, spoolID: UUID = UUID(), ringBlocks: Int) {
        self.identity = identity
        self.spoolID = spoolID
        self.ringBlocks = ringBlocks
    }

    /// The bytes of its block.
    var bytes: [UInt8] {
        var writer = SpoolWriter()
        writer.write(raw: Self.magic)
        writer.write(Self.version)
        writer.write(spoolID)
        writer.write(tail)
        writer.write(revision)
        writer.write(UInt32(ringBlocks))
        writer.write(Array(identity.utf8))
        writer.write(CRC32C.checksum(writer.bytes))
        writer.pad(to: SpoolFrame.blockSize)
        return writer.bytes
    }

    /// Reads a block; nil where it holds no header, or not the one that was written.
    init?(_ block: ArraySlice<UInt8>) {
        var reader = SpoolReader(block)
        guard reader.raw(8).map(Array.init) == Self.magic, reader.number(UInt32.self) == Self.version,
            let spoolID = reader.uuid(), let tail: UInt64 = reader.number(), let revision: UInt64 = reader.number(),
            let ringBlocks: UInt32 = reader.number(), let identity = reader.text() ?? nil
        else { return nil }
        let end = block.endIndex - reader.rest
        guard let checksum: UInt32 = reader.number(), CRC32C.checksum(block[..<end]) == checksum else { return nil }
        self.init(
            identity: String(decoding: identity, as: UTF8.self),
            spoolID: spoolID,
            ringBlocks: Int(ringBlocks)
        )
        self.tail = tail
        self.revision = revision
    }

    /// The copy that counts; nil where neither is whole.
    static func latest(of bytes: [UInt8]) -> SpoolHeader? {
        let size = SpoolFrame.blockSize
        return (0..<blocks)
            .compactMap { index in
                bytes.count >= (index + 1) * size ? SpoolHeader(bytes[index * size..<(index + 1) * size]) : nil
            }
            .max { $0.revision < $1.revision }
    }

    /// Whether the bytes of two copies begin as a spool does, by a version that this program does not know.
    static func isOfLaterVersion(_ bytes: [UInt8]) -> Bool {
        var reader = SpoolReader(bytes[...])
        guard reader.raw(8).map(Array.init) == magic, let found: UInt32 = reader.number() else { return false }
        return found > version
    }
}
