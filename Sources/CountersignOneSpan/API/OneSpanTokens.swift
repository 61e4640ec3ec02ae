import CountersignCore
import CountersignOutbound
import Foundation

/// The header `Authorization` of requests to the vendor; of client apps and OAuth clients it holds a token.
struct OneSpanTokens: Sendable {
    private let access: OneSpanAccess
    private let tokens: AccessTokens<OneSpanAccess.Credentials, APIFailure>

    init(access: OneSpanAccess, http: any HTTPSending, clock: any WallClock) {
        self.access = access
        let source = TokenSource(baseURL: access.baseURL, http: http, clock: clock)
        tokens = AccessTokens(
            clock: clock,
            canceled: APIFailure("the token was not fetched because the step was canceled", isPassing: true)
        ) { credentials throws(APIFailure) in
            try await source.token(for: credentials)
        }
    }

    /// The value of the header, and the token in it; an API key is none.
    func authorization() async throws(APIFailure) -> (header: String, token: AccessToken?) {
        let credentials = try access.credentials()
        if case .apiKey(let key) = credentials { return ("Basic \(key)", nil) }
        let token = try await tokens.token(for: credentials)
        return ("Bearer \(token.text)", token)
    }

    /// Has the next request fetch a new token, as this one was rejected.
    func forget(_ token: AccessToken) { tokens.forget(token) }
}

/// Where the vendor gives tokens.
private struct TokenSource: Sendable {
    let baseURL: String
    let http: any HTTPSending
    let clock: any WallClock

    func token(for credentials: OneSpanAccess.Credentials) async throws(APIFailure) -> AccessToken {
        switch credentials {
        case .apiKey: preconditionFailure("an API key needs no token")
        case .clientApp(let id, let secret): return try await clientAppToken(id: id, secret: secret)
        case .oauth(let id, let secret):
            let grant = ClientCredentialsGrant(url: baseURL + "/oauth2/token", http: http, clock: clock)
            do throws(TokenError) {
                return try await grant.token(for: .init(id: id, secret: secret))
            } catch {
                throw APIFailure(error)
            }
        }
    }

    private func clientAppToken(id: String, secret: String) async throws(APIFailure) -> AccessToken {
        let content: JSON = ["clientId": .string(id), "secret": .string(secret), "type": "OWNER"]
        let path = "/apitoken/clientApp/accessToken"
        let request = OutgoingRequest(
            method: "POST",
            url: baseURL + path,
            headers: [.init("Content-Type", "application/json"), .init("Accept", "application/json")],
            body: content.bytes,
            timeout: .seconds(60)
        )
        let answer: IncomingAnswer
        do throws(ExchangeError) {
            answer = try await http.send(request)
        } catch {
            throw APIFailure(error, to: "POST \(path)")
        }
        guard answer.status == 200 else { throw APIFailure(answer, to: "POST \(path)", at: clock.now) }
        let body = (try? JSON(parsing: answer.body)) ?? .null
        guard let text = body["accessToken"]?.string, let end = body["expiresAt"]?.number?.integer else {
            throw APIFailure("OneSpan Sign answered POST \(path) without 'accessToken' and 'expiresAt'")
        }
        return AccessToken(text, end: Date(timeIntervalSince1970: TimeInterval(end) / 1_000))
    }
}
