extension Duration {
    /// Parses a duration as rules and settings write it: a whole number and `ms`, `s`, `m`, `h` or `d`, such as `30s`.
    public init?(text: String) {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let count = Int(digits), count <= 1_000_000_000 else { return nil }
        switch text.dropFirst(digits.count) {
        case "ms": self = .milliseconds(count)
        case "s": self = .seconds(count)
        case "m": self = .seconds(count * 60)
        case "h": self = .seconds(count * 3_600)
        case "d": self = .seconds(count * 86_400)
        default: return nil
        }
    }

    /// The duration as rules write it, in the largest unit that says it exactly.
    public var text: String {
        let milliseconds = milliseconds
        let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s")]
        for (size, unit) in units where milliseconds != 0 && milliseconds % Int64(size) == 0 {
            return "\(milliseconds / Int64(size))\(unit)"
        }
        return milliseconds == 0 ? "0s" : "\(milliseconds)ms"
    }

    /// The whole milliseconds in it.
    public var milliseconds: Int64 {
        components.seconds * 1_000 + components.attoseconds / 1_000_000_000_000_000
    }

    /// The duration in seconds, as Foundation wants it.
    public var timeInterval: Double {
        Double(milliseconds) / 1_000
    }
}
