import CountersignCore
import NIOCore

/// Answers wrong keys, so that guessing meets 429 after a few a minute.
///
/// Who has a right key is let in all the same: behind a proxy everybody comes from one address.
final class KeyThrottle: Sendable {
    private let throttle: AuthenticationThrottle

    init(clock: any WallClock) {
        throttle = AuthenticationThrottle(clock: clock)
    }

    /// Counts a wrong key and gives the answer to it.
    func answer(to remote: SocketAddress?) -> Answer {
        guard let wait = throttle.count(from: remote?.ipAddress.flatMap { IPAddress($0) }).wait else {
            return .unauthorised
        }
        return .tooManyGuesses(wait: Int(wait.rounded(.up)))
    }
}
