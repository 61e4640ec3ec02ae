package import Foundation

extension Date {
    /// The point in time as one of Unicode's date patterns writes it, in UTC and in English words.
    package func text(_ pattern: String) -> String {
        Self.formatter(pattern).string(from: self)
    }

    /// Reads what `text(_:)` writes; nil for anything else.
    package init?(_ text: String, pattern: String) {
        guard let date = Self.formatter(pattern).date(from: text) else { return nil }
        self = date
    }

    private static func formatter(_ pattern: String) -> DateFormatter {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(secondsFromGMT: 0)
        // RFC 3339 counts by the Gregorian calendar at all times; by default days before 1582 are Julian.
        formatter.gregorianStartDate = Date(timeIntervalSince1970: -1e12)
        formatter.dateFormat = pattern
        return formatter
    }
}
