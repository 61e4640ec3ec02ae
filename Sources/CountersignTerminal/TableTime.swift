import CountersignCore
package import Foundation

extension Date {
    /// The time as tables show it, in UTC: `2026-01-31 09:00:05`.
    package var tableTime: String {
        String(rfc3339.prefix(19)).replacing("T", with: " ")
    }
}
