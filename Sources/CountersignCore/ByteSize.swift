/// A number of bytes, written as people write sizes: `64KiB`, `1MiB`, `10GB`.
///
/// KiB, MiB, GiB and TiB are powers of 1024, kB, MB, GB and TB powers of 1000 (IEC 80000-13); `B` counts bytes.
public struct ByteSize: Sendable, Hashable, Comparable {
    /// The number of bytes, not negative.
    public let bytes: Int64

    /// So many bytes; a negative number counts as none.
    public init(bytes: Int64) {
        self.bytes = max(0, bytes)
    }

    /// The size that `text` writes, with a whole or decimal number and a unit: `512MiB`, `1.5 GB`; nil when it writes none.
    public init?(_ text: String) {
        let number = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        let unit = text.dropFirst(number.count).drop { $0 == " " }
        guard let factor = Self.factor(of: unit), let value = Double(number), number.last != ".", number.first != "."
        else { return nil }
        let bytes = value * factor
        guard bytes.isFinite, bytes < 9e18, bytes == bytes.rounded() else { return nil }
        self.init(bytes: Int64(bytes))
    }

    private static let binaryUnits = ["KiB", "MiB", "GiB", "TiB"]
    private static let decimalUnits = ["kB", "MB", "GB", "TB"]

    private static func factor(of unit: Substring) -> Double? {
        if unit == "B" { return 1 }
        if let power = binaryUnits.firstIndex(of: String(unit)) { return Self.power(1024, power + 1) }
        let decimal = unit == "KB" ? "kB" : String(unit)
        return decimalUnits.firstIndex(of: decimal).map { Self.power(1000, $0 + 1) }
    }

    private static func power(_ base: Double, _ exponent: Int) -> Double {
        (0..<exponent).reduce(1) { product, _ in product * base }
    }

    /// Whether `left` is the smaller size.
    public static func < (left: ByteSize, right: ByteSize) -> Bool { left.bytes < right.bytes }

    /// A number of kibibytes (1024 bytes each).
    package static func kib(_ count: Int64) -> ByteSize { ByteSize(bytes: count << 10) }
    /// A number of mebibytes (1024 KiB each).
    package static func mib(_ count: Int64) -> ByteSize { ByteSize(bytes: count << 20) }
    /// A number of gibibytes (1024 MiB each).
    package static func gib(_ count: Int64) -> ByteSize { ByteSize(bytes: count << 30) }

    /// The number as an `Int`.
    package var count: Int { Int(clamping: bytes) }
}

extension ByteSize: CustomStringConvertible {
    /// The size exactly, in the largest unit that needs no fraction: `1MiB`, `10GB`, `1500B`.
    public var description: String {
        var shortest = (count: bytes, unit: "B")
        for (units, base) in [(Self.binaryUnits, Int64(1024)), (Self.decimalUnits, 1000)] {
            var rest = bytes
            for unit in units where rest >= base && rest % base == 0 {
                rest /= base
                if rest < shortest.count { shortest = (rest, unit) }
            }
        }
        return "\(shortest.count)\(shortest.unit)"
    }

    /// The size for people who read it, to a tenth: `1.4GiB`, `312KiB`.
    package var rounded: String {
        guard bytes >= 1024 else { return "\(bytes)B" }
        var value = Double(bytes) / 1024
        var unit = 0
        while value >= 1024, unit < Self.binaryUnits.count - 1 {
            value /= 1024
            unit += 1
        }
        let tenths = (value * 10).rounded() / 10
        return (tenths == tenths.rounded() ? "\(Int64(tenths))" : "\(tenths)") + Self.binaryUnits[unit]
    }
}
