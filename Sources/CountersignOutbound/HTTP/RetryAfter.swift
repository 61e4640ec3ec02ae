import CountersignCore
package import Foundation

/// The header with which a server asks clients to wait (RFC 9110, section 10.2.3).
package enum RetryAfter {
    private static let longest = Duration.seconds(86_400)

    /// The wait that `text`, seconds or an HTTP date, asks for, at most a day; nil when it is neither.
    package static func wait(from text: String, at now: Date) -> Duration? {
        let text = text.trimmingCharacters(in: .whitespaces)
        if !text.isEmpty, text.utf8.allSatisfy(\.isDigit) {
            return Int(text).map { min(.seconds($0), longest) } ?? longest
        }
        return date(text)
            .map { date in
                let seconds = date.timeIntervalSince(now).rounded(.up)
                return seconds <= 0 ? .zero : seconds >= 86_400 ? longest : .seconds(Int(seconds))
            }
    }

    /// An HTTP date in any of its three forms.
    private static func date(_ text: String) -> Date? {
        ["EEE, dd MMM yyyy HH:mm:ss 'GMT'", "EEEE, dd-MMM-yy HH:mm:ss 'GMT'", "EEE MMM d HH:mm:ss yyyy"]
            .lazy.compactMap { Date(text, pattern: $0) }.first
    }
}
