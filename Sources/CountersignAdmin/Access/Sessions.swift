import CountersignCore
import Crypto
import Foundation
import Synchronization

/// The browsers that are signed in, each known by the digest of what its cookie holds.
final class Sessions: Sendable {
    /// More than people who look after one program; the oldest goes first.
    private static let most = 1_000

    private let ends = Mutex<[String: Date]>([:])

    /// Begins a session; gives the value of its cookie, which cannot be guessed.
    func begin(until end: Date, at now: Date) -> String {
        let cookie = SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) }.hexDigits
        ends.withLock { ends in
            ends = ends.filter { $0.value > now }
            if ends.count >= Self.most, let oldest = ends.min(by: { $0.value < $1.value }) { ends[oldest.key] = nil }
            ends[Self.digest(cookie)] = end
        }
        return cookie
    }

    func isOpen(_ cookie: String, at now: Date) -> Bool {
        ends.withLock { ends in ends[Self.digest(cookie)].map { $0 > now } ?? false }
    }

    func end(_ cookie: String) {
        ends.withLock { $0[Self.digest(cookie)] = nil }
    }

    /// Looked up by the digest, so that the time taken tells nothing of the values that there are.
    private static func digest(_ cookie: String) -> String { SHA256.hash(data: Data(cookie.utf8)).hexDigits }
}
