import Foundation

/// What the file of a spool holds that is not in the store yet.
struct SpoolContents {
    let header: SpoolHeader

    /// The frames, the oldest first, each with its block and its number of blocks.
    private(set) var frames: [(frame: SpoolFrame, block: Int, blocks: Int)] = []

    /// What is not as it was written, as sentences; a frame that a crash tore is none of it, since nobody was answered.
    private(set) var damages: [String] = []

    /// How many blocks are read at a time.
    private static let portion = 256

    /// Reads a file.
    ///
    /// - Throws: `SpoolError`.
    init(of file: SpoolFile) throws(SpoolError) {
        let copies = try file.read(SpoolHeader.blocks, at: 0)
        guard let header = SpoolHeader.latest(of: copies) else {
            if SpoolHeader.isOfLaterVersion(copies) { throw .newer(path: file.path) }
            throw .unreadable(path: file.path, "neither copy of its header is whole")
        }
        guard file.size >= (SpoolHeader.blocks + header.ringBlocks) * SpoolFrame.blockSize else {
            throw .unreadable(path: file.path, "it is shorter than its header says")
        }
        self.header = header
        for start in stride(from: 0, to: header.ringBlocks, by: Self.portion) {
            let bytes = try file.read(min(Self.portion, header.ringBlocks - start), at: SpoolHeader.blocks + start)
            for index in 0..<bytes.count / SpoolFrame.blockSize {
                let offset = index * SpoolFrame.blockSize
                let head = SpoolFrame.Head(bytes[offset..<offset + SpoolFrame.headSize], of: header.spoolID)
                if let head, head.sequence > header.tail { try add(head, at: start + index, of: file) }
            }
        }
        frames.sort { $0.frame.sequence < $1.frame.sequence }
        findGaps()
    }

    private mutating func add(_ head: SpoolFrame.Head, at block: Int, of file: SpoolFile) throws(SpoolError) {
        guard block + head.blocks <= header.ringBlocks else { return }
        let bytes = try file.read(head.blocks, at: SpoolHeader.blocks + block)
        guard let frame = SpoolFrame(bytes, of: header.spoolID) else { return }
        frames.append((frame, block, head.blocks))
    }

    /// Frames are written one after the other, so one is missing only where the disk lost it.
    ///
    /// Those behind it are whole, and stay.
    private mutating func findGaps() {
        var expected = header.tail + 1
        for (frame, _, _) in frames {
            if frame.sequence > expected {
                let last = frame.sequence - 1
                damages.append(
                    expected == last
                        ? "frame \(last) is damaged or missing"
                        : "frames \(expected) to \(last) are damaged or missing"
                )
            }
            expected = frame.sequence + 1
        }
    }
}
