import CountersignModel
package import Foundation

extension Date {
    /// The time as tables show it, in UTC: `2026-01-31 09:00:05`.
    package var tableTime: String {
        String(rfc3339.prefix(19)).replacing("T", with: " ")
    }

    /// A point in time as flags give it: a duration back from `now` such as `2d`, a day, or a time of RFC 3339.
    package init?(pointInTime text: String, now: Date) {
        if let duration = Duration(text: text) {
            self = now.addingTimeInterval(-duration.timeInterval)
        } else if let date = Date(rfc3339: text) ?? Date(rfc3339: text + "T00:00:00Z") {
            self = date
        } else {
            return nil
        }
    }
}
