package import CountersignCore
import Foundation
import Synchronization

/// The access token that credentials are exchanged for: cached, and renewed ahead of its end.
///
/// One request is made at a time; whoever wants a token meanwhile waits for that one, and shares its result, a failure too.
package final class AccessTokens<Credentials: Sendable & Equatable, Failure: Error>: Sendable {
    private struct State {
        var token: (credentials: Credentials, token: AccessToken)?
        var failure: (credentials: Credentials, failure: Failure)?

        /// How many requests have failed.
        var failures = 0
    }

    /// A token is not used when it has less than this to live: what it is used for takes time, too.
    private static var reserve: TimeInterval { 30 }

    private let clock: any WallClock
    private let canceled: Failure
    private let fetch: @Sendable (Credentials) async throws(Failure) -> AccessToken
    private let state = Mutex(State())
    private let mutex = AsyncMutex()

    /// - Parameters:
    ///   - clock: The time of day, by which tokens end.
    ///   - canceled: What is thrown when the task is cancelled while another one fetches a token.
    ///   - fetch: Exchanges the credentials for a token.
    package init(
        clock: any WallClock,
        canceled: Failure,
        fetch: @escaping @Sendable (Credentials) async throws(Failure) -> AccessToken
    ) {
        self.clock = clock
        self.canceled = canceled
        self.fetch = fetch
    }

    /// The token for these credentials, from the cache where it has enough time left.
    package func token(for credentials: Credentials) async throws(Failure) -> AccessToken {
        let failures = state.withLock { $0.failures }
        if let token = current(for: credentials) { return token }
        guard await mutex.enter() else { throw canceled }
        defer { mutex.leave() }
        if let token = current(for: credentials) { return token }
        if let failure = failure(for: credentials, since: failures) { throw failure }
        do throws(Failure) {
            let token = try await fetch(credentials)
            state.withLock { $0.token = (credentials, token) }
            return token
        } catch {
            // Others wait on, even if the one who asked for them is canceled.
            if !Task.isCancelled {
                state.withLock { state in
                    state.failures += 1
                    state.failure = (credentials, error)
                }
            }
            throw error
        }
    }

    /// Removes a token that was rejected from the cache; one that was fetched since stays.
    package func forget(_ token: AccessToken) {
        state.withLock { state in
            if state.token?.token.text == token.text { state.token = nil }
        }
    }

    private func current(for credentials: Credentials) -> AccessToken? {
        state.withLock { $0.token }
            .flatMap { known in
                let rest = known.token.end?.timeIntervalSince(clock.now) ?? .infinity
                return known.credentials == credentials && rest > Self.reserve ? known.token : nil
            }
    }

    /// Why a request failed for which this one waited.
    private func failure(for credentials: Credentials, since failures: Int) -> Failure? {
        state.withLock { state in
            guard state.failures > failures, let last = state.failure, last.credentials == credentials else {
                return nil
            }
            return last.failure
        }
    }
}
