import CountersignModel
import Foundation
import NIOCore
import Synchronization

/// Counts wrong keys by address, so that guessing meets 429 after a few a minute.
///
/// Who has a right key is let in all the same: behind a proxy everybody comes from one address.
final class KeyGuesses: Sendable {
    /// Wrong keys of one address within a minute that are answered as such.
    static let most = 20

    private static let minute: TimeInterval = 60

    /// Further addresses within a minute are counted as one.
    private static let mostAddresses = 10_000

    private struct State {
        var start = Date.distantPast
        var counts: [[UInt8]: Int] = [:]
    }

    private let clock: any WallClock
    private let state = Mutex(State())

    init(clock: any WallClock) {
        self.clock = clock
    }

    /// Counts a wrong key and gives the answer to it.
    func answer(to remote: SocketAddress?) -> Answer {
        let now = clock.now
        let source = Self.source(of: remote)
        let wait = state.withLock { state -> TimeInterval? in
            let age = now.timeIntervalSince(state.start)
            if age < 0 || age >= Self.minute { state = State(start: now) }
            let isKnown = state.counts[source] != nil || state.counts.count < Self.mostAddresses
            let counted = isKnown ? source : []
            state.counts[counted, default: 0] += 1
            guard state.counts[counted, default: 0] > Self.most else { return nil }
            return Self.minute - now.timeIntervalSince(state.start)
        }
        guard let wait else { return .unauthorised }
        return .tooManyGuesses(wait: Int(wait.rounded(.up)))
    }

    /// The address; of one of version 6 the first 64 bits, since a whole such network is one customer's (RFC 6177).
    static func source(of remote: SocketAddress?) -> [UInt8] {
        let bytes = remote?.ipAddress.flatMap { IPAddress($0) }?.bytes ?? []
        return bytes.count == 16 ? Array(bytes.prefix(8)) : bytes
    }
}
