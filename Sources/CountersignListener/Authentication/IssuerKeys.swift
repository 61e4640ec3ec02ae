package import CountersignCore
import CountersignOutbound
import Foundation
package import Logging
import Synchronization

/// The keys of an issuer: in memory, on disk over restarts, and fetched anew for a key that is not known.
package final class IssuerKeys: Sendable {
    /// What is known of the key that signed a token.
    enum Lookup {
        case found([VerificationKey])
        case unknown
        /// Not known here, and the issuer cannot be asked, for a reason.
        case unreachable(String)
    }

    private struct State {
        var keys: [VerificationKey] = []
        var hasKeys = false

        /// When the latest fetch began, and why it failed; nil where it did not.
        var attempt: (at: Date, failure: String?)?
    }

    /// Tokens with made-up keys have the issuer asked no more often than this.
    static let pause: TimeInterval = 5

    /// How long an issuer that could not be reached is not asked again for a token.
    static let rest: TimeInterval = 15

    private let directory: IssuerDirectory
    private let cache: KeyFile?
    private let clock: any WallClock
    private let logger: Logger
    private let state = Mutex(State())
    private let turn = AsyncMutex()

    /// - Parameters:
    ///   - directory: Where the issuer publishes its keys.
    ///   - folder: The absolute path of the folder in which keys are kept over restarts; nil to keep them in memory only.
    ///   - clock: The time of day.
    ///   - logger: Where it is logged that keys have changed, or cannot be fetched.
    package init(directory: IssuerDirectory, folder: String?, clock: any WallClock, logger: Logger) {
        self.directory = directory
        self.clock = clock
        self.logger = logger
        cache = folder.map { KeyFile(folder: $0, issuer: directory.issuer) }
    }

    /// The URL of the issuer.
    package var issuer: String { directory.issuer }

    /// Takes the keys that were kept, for the time until the issuer was asked.
    package func load() async {
        guard let document = cache?.read() else { return }
        let keys = await VerificationKey.all(in: document)
        state.withLock { state in
            guard !state.hasKeys, !keys.isEmpty else { return }
            (state.keys, state.hasKeys) = (keys, true)
        }
    }

    /// Fetches the keys; those that the issuer no longer publishes are not accepted any more.
    ///
    /// - Returns: How many keys verify signatures.
    /// - Throws: `IssuerDirectory.Failure`; the known keys stay then.
    @discardableResult package func refresh() async throws(IssuerDirectory.Failure) -> Int {
        let began = clock.now
        do throws(IssuerDirectory.Failure) {
            let set = try await directory.fetch()
            let keys = await VerificationKey.all(in: set.document)
            guard !keys.isEmpty else {
                throw IssuerDirectory.Failure(
                    description: "the issuer '\(issuer)' publishes no key at '\(set.url)' that verifies signatures"
                )
            }
            let (ids, known) = state.withLock { state in
                defer {
                    (state.keys, state.hasKeys) = (keys, true)
                    state.attempt = (began, nil)
                }
                return (Set(keys.map(\.id)), Set(state.keys.map(\.id)))
            }
            if ids != known { tell(of: keys) }
            keep(set.document)
            return keys.count
        } catch {
            let isNew = state.withLock { state in
                defer { state.attempt = (began, error.description) }
                return state.attempt?.failure != error.description
            }
            if isNew { logger.warning("Keys of the issuer not fetched", metadata: ["reason": "\(error)"]) }
            throw error
        }
    }

    /// The keys that may have signed a token; the issuer is asked where none is known.
    func lookup(_ token: SignedToken) async -> Lookup {
        let asked = clock.now
        if let keys = known(token) { return .found(keys) }
        guard await turn.enter() else { return .unreachable("the request was canceled") }
        defer { turn.leave() }
        if let keys = known(token) { return .found(keys) }
        if let attempt = state.withLock({ $0.attempt }) {
            let age = clock.now.timeIntervalSince(attempt.at)
            if let failure = attempt.failure {
                if age >= 0, age < Self.rest { return .unreachable(failure) }
            } else if attempt.at > asked {
                return .unknown
            } else if age >= 0, age < Self.pause {
                // A key that was made a moment after the latest fetch is worth the wait.
                try? await clock.sleep(until: attempt.at.addingTimeInterval(Self.pause))
            }
        }
        do throws(IssuerDirectory.Failure) {
            try await refresh()
        } catch {
            return .unreachable(error.description)
        }
        return known(token).map { .found($0) } ?? .unknown
    }

    private func known(_ token: SignedToken) -> [VerificationKey]? {
        let keys = state.withLock { $0.keys }.filter { $0.mayHaveSigned(token) }
        return keys.isEmpty ? nil : keys
    }

    private func tell(of keys: [VerificationKey]) {
        logger.info(
            "Keys of the issuer fetched",
            metadata: [
                "issuer": "\(issuer)", "keys": "\(keys.count)",
                "key.ids": "\(keys.map { ($0.id ?? "none").cut(to: 80).printable }.joined(separator: ", "))",
            ]
        )
    }

    private func keep(_ document: JSON) {
        do {
            try cache?.write(document, at: clock.now)
        } catch {
            logger.warning(
                "Keys of the issuer not kept on disk, a restart has to fetch them",
                metadata: ["issuer": "\(issuer)", "error": "\(systemWords(error))"]
            )
        }
    }
}
