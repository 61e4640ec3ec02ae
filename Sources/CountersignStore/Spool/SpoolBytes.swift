import CountersignCore
import Foundation

/// Writes numbers and texts as the spool has them: little-endian, each text behind its length.
struct SpoolWriter {
    private(set) var bytes: [UInt8] = []

    mutating func write(_ number: some FixedWidthInteger) {
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func write(_ id: UUID) {
        withUnsafeBytes(of: id.uuid) { bytes.append(contentsOf: $0) }
    }

    /// Writes bytes as they are.
    mutating func write(raw: some Collection<UInt8>) { bytes.append(contentsOf: raw) }

    /// Writes bytes behind their number; none at all as the largest number.
    mutating func write(_ text: (some Collection<UInt8>)?) {
        guard let text else { return write(UInt32.max) }
        write(UInt32(text.count))
        bytes.append(contentsOf: text)
    }

    /// Adds zeros until the number of bytes is a multiple of `size`.
    mutating func pad(to size: Int) {
        let rest = bytes.count % size
        if rest > 0 { bytes.append(contentsOf: repeatElement(0, count: size - rest)) }
    }

    /// Puts a number in the place of what was written at `offset`.
    mutating func overwrite(_ number: UInt32, at offset: Int) {
        withUnsafeBytes(of: number.littleEndian) { bytes.replaceSubrange(offset..<offset + 4, with: $0) }
    }
}

/// Reads what `SpoolWriter` wrote; everything is nil once something did not fit.
struct SpoolReader {
    private let bytes: ArraySlice<UInt8>
    private var position: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    /// How many bytes were not read yet.
    var rest: Int { bytes.endIndex - position }

    mutating func number<Number: FixedWidthInteger>(_: Number.Type = Number.self) -> Number? {
        raw(MemoryLayout<Number>.size)
            .map { part in
                part.reversed().reduce(0) { $0 << 8 | Number(truncatingIfNeeded: $1) }
            }
    }

    mutating func uuid() -> UUID? {
        raw(16).flatMap { UUID(bytes: Array($0)) }
    }

    /// Reads bytes as they are.
    mutating func raw(_ count: Int) -> ArraySlice<UInt8>? {
        guard count >= 0, count <= rest else { return nil }
        defer { position += count }
        return bytes[position..<position + count]
    }

    /// Reads bytes behind their number; nil inside where there were none at all.
    mutating func text() -> [UInt8]?? {
        guard let count: UInt32 = number() else { return nil }
        if count == .max { return .some(nil) }
        return raw(Int(count)).map { .some(Array($0)) }
    }
}
