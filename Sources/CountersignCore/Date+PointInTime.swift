package import Foundation

extension Date {
    /// A point in time as people give it: a duration back from `now` such as `2d`, a day, a time of RFC 3339, or one
    /// in UTC as tables and pages show it, `2026-01-31 09:00:00`.
    package init?(pointInTime text: String, now: Date) {
        if let duration = Duration(text: text) {
            self = now.addingTimeInterval(-duration.timeInterval)
            return
        }
        // In a query of a URL "+" means a space, so the offset of a time comes with one when nobody encodes it.
        let spellings = [
            text, text + "T00:00:00Z", text.replacing(" ", with: "T") + "Z", text.replacing(" ", with: "+"),
        ]
        guard let date = spellings.lazy.compactMap({ Date(rfc3339: $0) }).first else { return nil }
        self = date
    }
}
