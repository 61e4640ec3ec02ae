/// A JSON number that keeps the digits it was written with.
///
/// Numbers are compared by their exact decimal value, however large or precise: `5`, `5.0` and `50e-1` are equal, and
/// two ids of twenty digits that differ in the last one are not.
public struct JSONNumber: Sendable {
    /// The number as it was written, in the grammar of RFC 8259.
    public let literal: String

    /// A whole number of any size.
    public init(_ value: some BinaryInteger) {
        literal = String(value)
    }

    /// A number from its JSON text; nil when the text is not a JSON number.
    public init?(literal: String) {
        guard Self.isNumber(literal.utf8) else { return nil }
        self.literal = literal
    }

    /// A number whose text the parser has checked already.
    init(checked literal: String) {
        self.literal = literal
    }

    /// The value as a whole number; nil when it is none, or too large.
    public var integer: Int? {
        if let plain = Int(literal) { return plain }
        let decimal = Decimal(literal)
        guard decimal.exponent >= 0, decimal.exponent < 20 else { return nil }
        return Int(decimal.signed + String(repeating: "0", count: decimal.exponent))
    }

    /// Whether `text` is a number by RFC 8259, section 6.
    static func isNumber(_ text: some Collection<UInt8>) -> Bool {
        var rest = text[...]
        func digits() -> Int {
            let run = rest.prefix(while: \.isDigit)
            rest = rest.dropFirst(run.count)
            return run.count
        }
        if rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
        let startsWithZero = rest.first == UInt8(ascii: "0")
        let whole = digits()
        guard whole == 1 || (whole > 1 && !startsWithZero) else { return false }
        if rest.first == UInt8(ascii: ".") {
            rest = rest.dropFirst()
            guard digits() > 0 else { return false }
        }
        if let mark = rest.first, mark | 0x20 == UInt8(ascii: "e") {
            rest = rest.dropFirst()
            if let sign = rest.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { rest = rest.dropFirst() }
            guard digits() > 0 else { return false }
        }
        return rest.isEmpty
    }
}

extension JSONNumber: Hashable, Comparable {
    /// Whether both have the same decimal value, however they are written.
    public static func == (left: JSONNumber, right: JSONNumber) -> Bool {
        left.literal == right.literal || Decimal(left.literal) == Decimal(right.literal)
    }

    /// Hashes the decimal value, so that equal numbers hash alike.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(Decimal(literal))
    }

    /// Whether the left decimal value lies below the right one.
    public static func < (left: JSONNumber, right: JSONNumber) -> Bool {
        if let left = Int(left.literal), let right = Int(right.literal) { return left < right }
        return Decimal(left.literal) < Decimal(right.literal)
    }
}

/// A number as `digits` times ten to the power of `exponent`, with no zero at either end of the digits.
private struct Decimal: Hashable {
    let isNegative: Bool
    let digits: [UInt8]
    let exponent: Int

    init(_ literal: String) {
        let parts = literal.utf8.split(maxSplits: 1, omittingEmptySubsequences: false) {
            $0 | 0x20 == UInt8(ascii: "e")
        }
        let mantissa = parts[0].drop { $0 == UInt8(ascii: "-") }
        let fraction = mantissa.drop { $0 != UInt8(ascii: ".") }.dropFirst()
        var digits = Array(mantissa.filter { $0 != UInt8(ascii: ".") }.drop { $0 == UInt8(ascii: "0") })
        // An exponent beyond the reach of Int is clamped: such numbers are equal only to one another.
        var exponent = Self.exponent(parts.dropFirst().first) - fraction.count
        while digits.last == UInt8(ascii: "0") {
            digits.removeLast()
            exponent += 1
        }
        self.digits = digits
        self.exponent = digits.isEmpty ? 0 : exponent
        isNegative = !digits.isEmpty && literal.utf8.first == UInt8(ascii: "-")
    }

    private static func exponent(_ text: Substring.UTF8View?) -> Int {
        guard let text else { return 0 }
        let limit = Int(Int32.max)
        return Int(Substring(text)).map { min(max($0, -limit), limit) }
            ?? (text.first == UInt8(ascii: "-") ? -limit : limit)
    }

    var signed: String {
        (isNegative ? "-" : "") + (digits.isEmpty ? "0" : String(decoding: digits, as: UTF8.self))
    }

    static func < (left: Decimal, right: Decimal) -> Bool {
        if left.isNegative != right.isNegative { return left.isNegative }
        return left.isNegative
            ? right.magnitudePrecedes(left) : left.magnitudePrecedes(right)
    }

    private func magnitudePrecedes(_ other: Decimal) -> Bool {
        if digits.isEmpty || other.digits.isEmpty { return digits.isEmpty && !other.digits.isEmpty }
        let (place, otherPlace) = (digits.count + exponent, other.digits.count + other.exponent)
        return place == otherPlace ? digits.lexicographicallyPrecedes(other.digits) : place < otherPlace
    }
}
