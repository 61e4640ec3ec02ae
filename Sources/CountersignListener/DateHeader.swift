import Foundation
import Synchronization

/// The value of the `Date` header, written anew only when the second changes.
final class DateHeader: Sendable {
    private struct State {
        var second = Int.min
        var text = ""
    }

    private let state = Mutex(State())

    func text(at now: Date) -> String {
        let second = Int(now.timeIntervalSince1970)
        return state.withLock { state in
            if state.second != second { state = State(second: second, text: Self.format(now)) }
            return state.text
        }
    }

    private static func format(_ date: Date) -> String {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(secondsFromGMT: 0)
        formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
        return formatter.string(from: date)
    }
}
