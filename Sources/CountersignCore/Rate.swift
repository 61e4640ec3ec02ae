/// How often something may begin: so many times in a span of time, evenly spread over it.
public struct Rate: Sendable, Hashable, CustomStringConvertible {
    /// How many times, at least once.
    public let count: Int

    /// In how long, at least a millisecond.
    public let span: Duration

    /// Reads a rate such as `60/1m`; nil where `text` is none.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let count = Int(parts[0]), (1...1_000_000).contains(count),
            parts[0].utf8.allSatisfy(\.isDigit), let span = Duration(text: String(parts[1])), span > .zero
        else { return nil }
        (self.count, self.span) = (count, span)
    }

    /// The time between two beginnings.
    package var interval: Duration { span / count }

    /// The rate as the settings write it.
    public var description: String { "\(count)/\(span.text)" }

    /// The form of a rate in settings.
    package static let form = TextForm("a rate such as 60/1m", pattern: #"^[0-9]+/[0-9]+(ms|s|m|h|d)$"#) { text in
        Rate(text) == nil ? "must be a number, '/' and a duration, such as 60/1m, not '\(text)'" : nil
    }
}
