package import Foundation

extension Date {
    /// Parses a time of RFC 3339, section 5.6, with or without fractions of a second.
    package init?(rfc3339 text: String) {
        let whole = Date.ISO8601FormatStyle()
        let fractional = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        guard let date = (try? fractional.parse(text)) ?? (try? whole.parse(text)) else { return nil }
        self = date
    }

    /// The time as RFC 3339 in UTC with milliseconds, as OneSpan Sign writes it.
    package var rfc3339: String {
        formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }
}
