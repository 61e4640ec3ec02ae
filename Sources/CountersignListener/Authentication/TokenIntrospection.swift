package import CountersignCore
package import CountersignOutbound
import Crypto
package import Foundation
import Synchronization

/// Checks opaque tokens by asking whoever issued them (RFC 7662); answers are kept for a minute.
package final class TokenIntrospection: TokenChecking {
    private typealias Digest = SHA256.Digest

    private struct State {
        var answers: [Digest: (result: TokenResult, until: Date)] = [:]

        /// The tokens that are asked for at the moment, with those who wait for the same answer.
        var waiting: [Digest: [CheckedContinuation<TokenResult?, Never>]] = [:]
        var failure: (reason: String, until: Date)?
    }

    private static let lifetime: TimeInterval = 60

    /// How long an endpoint that failed is not asked.
    private static let rest: TimeInterval = 5
    private static let mostAnswers = 10_000
    private static let patience = Duration.seconds(8)

    private let url: String
    private let expectation: TokenClaims.Expectation
    private let client: @Sendable () throws(StepFailure) -> ClientCredentialsGrant.Client
    private let http: any HTTPSending
    private let clock: any WallClock
    private let state = Mutex(State())

    /// - Parameters:
    ///   - url: The introspection endpoint.
    ///   - audience: Whom the tokens have to be for; nil where the endpoint knows that.
    ///   - scope: What they have to allow; empty where that does not matter.
    ///   - http: The way out.
    ///   - clock: The time of day.
    ///   - client: The id and the secret by which the endpoint knows us, as they are now.
    package init(
        url: String,
        audience: String?,
        scope: Set<String>,
        over http: any HTTPSending,
        clock: any WallClock,
        client: @escaping @Sendable () throws(StepFailure) -> ClientCredentialsGrant.Client
    ) {
        self.url = url
        expectation = TokenClaims.Expectation(issuer: nil, audience: audience, scope: scope, needsEnd: false)
        self.client = client
        self.http = http
        self.clock = clock
    }

    /// The URL of the endpoint.
    package var name: String { url }

    /// Asks the endpoint, unless it has answered for this token within the last minute.
    package func check(_ token: String, at time: Date) async -> TokenResult {
        guard token.utf8.count <= SignedToken.longest else {
            return .invalid("has \(token.utf8.count) characters, more than the \(SignedToken.longest) that are read")
        }
        let digest = SHA256.hash(data: Array(token.utf8))
        if let known = remembered(digest) { return known }
        let shared: TokenResult? = await withCheckedContinuation { continuation in
            let isFirst = state.withLock { state in
                guard let others = state.waiting[digest] else {
                    state.waiting[digest] = []
                    return true
                }
                state.waiting[digest] = others + [continuation]
                return false
            }
            if isFirst { continuation.resume(returning: nil) }
        }
        if let shared { return shared }
        let (result, end) = await ask(token, at: time)
        for waiting in settle(digest, result, end) { waiting.resume(returning: result) }
        return result
    }

    private func remembered(_ digest: Digest) -> TokenResult? {
        let now = clock.now
        return state.withLock { state in
            if let answer = state.answers[digest], answer.until > now { return answer.result }
            return state.failure.flatMap { $0.until > now ? .undecided($0.reason) : nil }
        }
    }

    /// Remembers what is known of a token now, and gives those who wait for it.
    private func settle(
        _ digest: Digest,
        _ result: TokenResult,
        _ end: Date?
    ) -> [CheckedContinuation<TokenResult?, Never>] {
        let now = clock.now
        return state.withLock { state in
            if case .undecided(let reason) = result {
                state.failure = (reason, now.addingTimeInterval(Self.rest))
            } else {
                state.failure = nil
                if state.answers.count >= Self.mostAnswers {
                    state.answers = state.answers.filter { $0.value.until > now }
                }
                if state.answers.count >= Self.mostAnswers { state.answers = [:] }
                state.answers[digest] = (result, min(end ?? .distantFuture, now.addingTimeInterval(Self.lifetime)))
            }
            return state.waiting.removeValue(forKey: digest) ?? []
        }
    }

    /// What the endpoint says, and when the token ends.
    private func ask(_ token: String, at time: Date) async -> (TokenResult, end: Date?) {
        let answer: IncomingAnswer
        do throws(StepFailure) {
            answer = try await send(token)
        } catch {
            return (.undecided(error.reason), nil)
        }
        guard answer.status == 200, let json = try? JSON(parsing: answer.body), let isActive = json["active"] else {
            let reason =
                answer.status == 200
                ? "'\(shownURL)' answered without 'active'"
                : "'\(shownURL)' answered \(answer.status); check the secrets of its client"
            return (.undecided(reason), nil)
        }
        guard isActive == true else { return (.invalid("is not active"), nil) }
        let claims = TokenClaims(json)
        if let fault = claims.fault(expectation, at: time) { return (.invalid(fault), nil) }
        return (.valid(sender: "token of \(claims.sender)"), claims.end)
    }

    private func send(_ token: String) async throws(StepFailure) -> IncomingAnswer {
        let client = try client()
        let user = Data("\(client.id.percentEncoded):\(client.secret.percentEncoded)".utf8).base64EncodedString()
        let form = RequestURL.form([(name: "token", value: token), (name: "token_type_hint", value: "access_token")])
        do throws(ExchangeError) {
            return try await http.send(
                OutgoingRequest(
                    method: "POST",
                    url: url,
                    headers: [
                        .init("Content-Type", "application/x-www-form-urlencoded"),
                        .init("Accept", "application/json"), .init("Authorization", "Basic \(user)"),
                    ],
                    body: Array(form.utf8),
                    timeout: Self.patience
                )
            )
        } catch {
            throw StepFailure("'\(shownURL)' did not respond: \(error.reason)", isWorthRetrying: error.isPassing)
        }
    }

    private var shownURL: String { url.cut(to: 200) }

    /// Asks for a token that nobody has, to see whether the endpoint answers us.
    ///
    /// - Returns: nil where it does, else why it does not.
    package func probe() async -> String? {
        if case (.undecided(let reason), _) = await ask("countersign-probe", at: clock.now) { return reason }
        return nil
    }
}
