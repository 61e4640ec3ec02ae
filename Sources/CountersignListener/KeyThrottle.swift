import CountersignCore

/// Answers wrong keys, so that guessing meets 429 after a few a minute.
///
/// Who has a right key is let in all the same: behind a proxy everybody comes from one address.
final class KeyThrottle: Sendable {
    private let throttle: AuthenticationThrottle

    init(clock: any WallClock) {
        throttle = AuthenticationThrottle(clock: clock)
    }

    /// Counts a wrong key and gives the answer to it.
    func answer(to client: IPAddress?, schemes: Set<String>) -> Answer {
        guard let wait = throttle.count(from: client).wait else { return .unauthorised(schemes) }
        return .tooManyGuesses(wait: Int(wait.rounded(.up)))
    }
}
