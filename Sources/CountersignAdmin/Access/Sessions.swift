import CountersignCore
import Crypto
import Foundation
import Synchronization

/// The browsers that are signed in, each known by the digest of what its cookie holds.
final class Sessions: Sendable {
    /// More than people who look after one program; the oldest goes first.
    private static let most = 1_000

    private struct Session {
        let identity: AdminIdentity
        let end: Date
    }

    private let sessions = Mutex<[String: Session]>([:])

    /// Begins a session; gives the value of its cookie, which cannot be guessed.
    func begin(as identity: AdminIdentity, until end: Date, at now: Date) -> String {
        let cookie = SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) }.hexDigits
        sessions.withLock { sessions in
            sessions = sessions.filter { $0.value.end > now }
            if sessions.count >= Self.most, let oldest = sessions.min(by: { $0.value.end < $1.value.end }) {
                sessions[oldest.key] = nil
            }
            sessions[Self.digest(cookie)] = Session(identity: identity, end: end)
        }
        return cookie
    }

    func identity(_ cookie: String, at now: Date) -> AdminIdentity? {
        sessions.withLock { sessions in
            guard let session = sessions[Self.digest(cookie)], session.end > now else { return nil }
            return session.identity
        }
    }

    func end(_ cookie: String) {
        sessions.withLock { $0[Self.digest(cookie)] = nil }
    }

    /// Looked up by the digest, so that the time taken tells nothing of the values that there are.
    private static func digest(_ cookie: String) -> String { SHA256.hash(data: Data(cookie.utf8)).hexDigits }
}
