package import Foundation

extension Date {
    /// The whole milliseconds since 1970: the precision to which every store keeps a time.
    package var milliseconds: Int64 {
        Int64((timeIntervalSince1970 * 1_000).rounded())
    }

    /// The time that lies `milliseconds` after the beginning of 1970.
    package init(milliseconds: Int64) {
        self.init(timeIntervalSince1970: Double(milliseconds) / 1_000)
    }

    /// The time to the whole millisecond, as every store keeps it.
    package var roundedToMilliseconds: Date { Date(milliseconds: milliseconds) }
}
