import CountersignCore
import Foundation
import Logging
import NIOCore
import Synchronization

/// Tells the log of requests that were refused, of which each may be an event that is lost, and a scanner makes many.
final class Refusals: Sendable {
    private struct State {
        var start = Date.distantPast
        var count = 0
    }

    /// How many lines are written within a minute; those left out are counted in the first line of a later one.
    private static let mostLines = 10

    private static let longestPath = 200

    private let clock: any WallClock
    private let logger: Logger
    private let state = Mutex(State())

    init(clock: any WallClock, logger: Logger) {
        self.clock = clock
        self.logger = logger
    }

    /// Writes a line with the reason, `facts`, and where the request came from.
    func tell(_ reason: String, from remote: SocketAddress?, _ facts: Logger.Metadata = [:]) {
        let (isTold, leftOut) = count()
        if leftOut > 0 { logger.warning("Further refused requests not logged", metadata: ["count": "\(leftOut)"]) }
        guard isTold else { return }
        let metadata = facts.merging(["reason": "\(reason)", "remote": "\(remote.text)"]) { $1 }
        logger.warning("Request refused", metadata: metadata)
    }

    /// The method and the path of a request, as facts for `tell`.
    static func facts(method: String, path: String) -> Logger.Metadata {
        ["method": "\(method.prefix(longestPath))", "path": "\(path.prefix(longestPath))"]
    }

    /// Whether a line may be written now, and how many of the minute before were not.
    private func count() -> (isTold: Bool, leftOut: Int) {
        let now = clock.now
        return state.withLock { state in
            var leftOut = 0
            if abs(now.timeIntervalSince(state.start)) >= 60 {
                leftOut = max(0, state.count - Self.mostLines)
                state = State(start: now)
            }
            state.count += 1
            return (state.count <= Self.mostLines, leftOut)
        }
    }
}

extension SocketAddress? {
    /// The address as people write it, such as `127.0.0.1:59054`.
    var text: String {
        guard let self, let address = self.ipAddress, let port = self.port else { return "unknown" }
        return address.contains(":") ? "[\(address)]:\(port)" : "\(address):\(port)"
    }
}
