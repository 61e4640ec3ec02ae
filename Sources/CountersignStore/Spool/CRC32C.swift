/// The checksum CRC-32C (RFC 3720, appendix B.4), by which a torn or altered block of the spool is known.
enum CRC32C {
    private static let table: [UInt32] = (0..<256)
        .map { byte in
            (0..<8).reduce(UInt32(byte)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0x82F6_3B78 : value >> 1 }
        }

    /// The checksum of all bytes.
    static func checksum(_ bytes: some Collection<UInt8>) -> UInt32 {
        table.withUnsafeBufferPointer { table in
            func update(_ start: UInt32, _ bytes: some Sequence<UInt8>) -> UInt32 {
                bytes.reduce(start) { $0 >> 8 ^ table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] }
            }
            let whole = bytes.withContiguousStorageIfAvailable { update(~0, $0) }
            return ~(whole ?? update(~0, bytes))
        }
    }
}
