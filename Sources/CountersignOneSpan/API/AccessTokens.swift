import CountersignCore
import CountersignOutbound
import Foundation
import Synchronization

/// The tokens that client apps and OAuth clients are given, renewed ahead of their end.
///
/// One is fetched at a time; whoever wants one meanwhile waits for that.
final class AccessTokens: Sendable {
    /// A token is not used when it has less than this to live: the request itself takes time.
    private static let reserve: TimeInterval = 30

    private struct Token {
        let text: String
        let credentials: OneSpanAccess.Credentials
        let end: Date
    }

    private let access: OneSpanAccess
    private let http: any HTTPSending
    private let clock: any WallClock
    private let token = Mutex<Token?>(nil)
    private let mutex = AsyncMutex()

    init(access: OneSpanAccess, http: any HTTPSending, clock: any WallClock) {
        self.access = access
        self.http = http
        self.clock = clock
    }

    /// The value of the header `Authorization`.
    func authorization() async throws(APIFailure) -> String {
        let credentials = try access.credentials()
        if case .apiKey(let key) = credentials { return "Basic \(key)" }
        if let known = current(for: credentials) { return "Bearer \(known.text)" }
        guard await mutex.enter() else {
            throw APIFailure("the token was not fetched because the step was canceled", isPassing: true)
        }
        defer { mutex.leave() }
        if let known = current(for: credentials) { return "Bearer \(known.text)" }
        let fresh = try await fetch(for: credentials)
        token.withLock { $0 = fresh }
        return "Bearer \(fresh.text)"
    }

    private func current(for credentials: OneSpanAccess.Credentials) -> Token? {
        token.withLock { $0 }
            .flatMap { known in
                let rest = known.end.timeIntervalSince(clock.now)
                return known.credentials == credentials && rest > Self.reserve ? known : nil
            }
    }

    /// Forgets the token in the header of a request that was refused; false when it carried none.
    ///
    /// A token that was fetched since is kept.
    func forget(_ header: String) -> Bool {
        guard header.hasPrefix("Bearer ") else { return false }
        token.withLock { if let known = $0, header == "Bearer \(known.text)" { $0 = nil } }
        return true
    }

    private func fetch(for credentials: OneSpanAccess.Credentials) async throws(APIFailure) -> Token {
        let now = clock.now
        switch credentials {
        case .apiKey: preconditionFailure("an API key needs no token")
        case .clientApp(let id, let secret):
            let content: JSON = ["clientId": .string(id), "secret": .string(secret), "type": "OWNER"]
            let path = "/apitoken/clientApp/accessToken"
            let answer = try await ask(path, type: "application/json", content.bytes)
            guard let text = answer["accessToken"]?.string, let end = answer["expiresAt"]?.number?.integer else {
                throw APIFailure("OneSpan Sign answered POST \(path) without 'accessToken' and 'expiresAt'")
            }
            return Token(
                text: text,
                credentials: credentials,
                end: Date(timeIntervalSince1970: TimeInterval(end) / 1_000)
            )
        case .oauth(let id, let secret):
            let form = Array(RequestURL.form([("grant_type", "client_credentials")]).utf8)
            let user = Data("\(id.percentEncoded):\(secret.percentEncoded)".utf8).base64EncodedString()
            let path = "/oauth2/token"
            let answer = try await ask(path, type: "application/x-www-form-urlencoded", form, "Basic \(user)")
            guard let text = answer["access_token"]?.string else {
                throw APIFailure("OneSpan Sign answered POST \(path) without 'access_token'")
            }
            let lifetime = TimeInterval(answer["expires_in"]?.number?.integer ?? 0)
            return Token(text: text, credentials: credentials, end: now.addingTimeInterval(lifetime))
        }
    }

    private func ask(
        _ path: String,
        type: String,
        _ content: [UInt8],
        _ authorization: String? = nil
    ) async throws(APIFailure) -> JSON {
        var headers = [OutgoingRequest.Header("Content-Type", type), .init("Accept", "application/json")]
        if let authorization { headers.append(.init("Authorization", authorization)) }
        let request = OutgoingRequest(
            method: "POST",
            url: access.baseURL + path,
            headers: headers,
            body: content,
            timeout: .seconds(60)
        )
        let answer: IncomingAnswer
        do throws(ExchangeError) {
            answer = try await http.send(request)
        } catch {
            throw APIFailure(error, to: "POST \(path)")
        }
        guard answer.status == 200 else { throw APIFailure(answer, to: "POST \(path)", at: clock.now) }
        return (try? JSON(parsing: answer.body)) ?? .null
    }
}
