import CountersignCore
import Foundation
import Hummingbird
import Logging

/// Slows down who guesses the token, and tells the log of it without a line for each guess.
struct TokenThrottle: Sendable {
    /// What a further guess of an address waits for, once it was wrong too often within a minute.
    private static let pause: TimeInterval = 1

    private let throttle: AuthenticationThrottle
    private let clock: any WallClock
    private let logger: Logger

    init(clock: any WallClock, logger: Logger) {
        throttle = AuthenticationThrottle(clock: clock)
        self.clock = clock
        self.logger = logger
    }

    /// Waits before a token is looked at, where its sender was wrong too often: right ones wait, too.
    func pause(before context: AdminContext) async {
        guard throttle.count(of: context.remote).wait != nil else { return }
        try? await clock.sleep(until: clock.now.addingTimeInterval(Self.pause))
    }

    /// Counts a wrong token; gives the seconds after which the sender may come back, where there were too many.
    func wait(afterWrongTokenIn context: AdminContext) -> Int? {
        let count = throttle.count(from: context.remote)
        // The first, and then each time that there are ten times as many.
        if [1, 10, 100, 1_000, 10_000, 100_000].contains(count.wrong) {
            logger.warning(
                "Wrong admin token",
                metadata: ["remote": "\(context.remoteText)", "count": "\(count.wrong)", "within": "1m"]
            )
        }
        return count.wait.map { max(1, Int($0.rounded(.up))) }
    }
}
