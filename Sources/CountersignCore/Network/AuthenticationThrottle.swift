package import Foundation
import Synchronization

/// Counts wrong keys or tokens by address within a minute.
package final class AuthenticationThrottle: Sendable {
    /// Wrong ones of one address within a minute that are answered as such.
    package static let most = 20

    private static let minute: TimeInterval = 60

    /// Further addresses within a minute are counted as one.
    private static let mostAddresses = 10_000

    /// What is known of an address.
    package struct Count: Sendable, Equatable {
        /// How many it was wrong in this minute.
        package let wrong: Int

        /// How many seconds are left until it is answered as usual; nil while it is.
        package let wait: TimeInterval?
    }

    private struct State {
        var start = Date.distantPast
        var counts: [[UInt8]: Int] = [:]
    }

    private let clock: any WallClock
    private let state = Mutex(State())

    /// A throttle whose minutes are those of `clock`.
    package init(clock: any WallClock) {
        self.clock = clock
    }

    /// Counts a wrong one from `address`; nil for one that is not known.
    package func count(from address: IPAddress?) -> Count { look(at: address, adding: 1) }

    /// What was counted from `address` so far.
    package func count(of address: IPAddress?) -> Count { look(at: address, adding: 0) }

    private func look(at address: IPAddress?, adding number: Int) -> Count {
        let now = clock.now
        let source = Self.source(of: address)
        return state.withLock { state in
            let age = now.timeIntervalSince(state.start)
            if age < 0 || age >= Self.minute { state = State(start: now) }
            let isKnown = state.counts[source] != nil || state.counts.count < Self.mostAddresses
            let counted = isKnown ? source : []
            let wrong = state.counts[counted, default: 0] + number
            if number > 0 { state.counts[counted] = wrong }
            return Count(wrong: wrong, wait: wrong > Self.most ? Self.minute - now.timeIntervalSince(state.start) : nil)
        }
    }

    /// The address; of one of version 6 the first 64 bits, since a whole such network is one customer's (RFC 6177).
    package static func source(of address: IPAddress?) -> [UInt8] {
        let bytes = address?.bytes ?? []
        return bytes.count == 16 ? Array(bytes.prefix(8)) : bytes
    }
}
