package import CountersignCore
import Foundation

/// Fetches access tokens by OAuth 2.0 client credentials (RFC 6749, section 4.4), each with a request of its own.
package struct ClientCredentialsGrant: Sendable {
    /// A client as its server knows it.
    package struct Client: Sendable, Equatable {
        /// The client identifier.
        package let id: String

        /// The client secret in clear text.
        package let secret: String

        /// A client with this id and secret.
        package init(id: String, secret: String) {
            self.id = id
            self.secret = secret
        }
    }

    private static let patience = Duration.seconds(60)

    private let url: String
    private let scope: String?
    private let http: any HTTPSending
    private let clock: any WallClock

    /// - Parameters:
    ///   - url: The URL of the token endpoint.
    ///   - scope: What the tokens are for; nil for what the server gives by default.
    ///   - http: The way out.
    ///   - clock: The time of day, from which the lifetime of a token runs.
    package init(url: String, scope: String? = nil, http: any HTTPSending, clock: any WallClock) {
        self.url = url
        self.scope = scope
        self.http = http
        self.clock = clock
    }

    /// A new token.
    package func token(for client: Client) async throws(TokenError) -> AccessToken {
        // The lifetime runs from the answer; from the question on is the safe side.
        let now = clock.now
        let answer: IncomingAnswer
        do throws(ExchangeError) {
            answer = try await http.send(request(of: client))
        } catch {
            throw TokenError(error, from: endpoint)
        }
        guard answer.status == 200 else {
            throw TokenError(answer, from: endpoint, hiding: client.secret, at: now)
        }
        return try token(in: answer, at: now)
    }

    /// The endpoint as failures name it.
    private var endpoint: String { "the token endpoint '\(url.cut(to: 200))'" }

    private func request(of client: Client) -> OutgoingRequest {
        let scope = scope.map { [(name: "scope", value: $0)] } ?? []
        let form = RequestURL.form([(name: "grant_type", value: "client_credentials")] + scope)
        // In the header and not in the form, as section 2.3.1 has it; both are percent-encoded before.
        let user = Data("\(client.id.percentEncoded):\(client.secret.percentEncoded)".utf8).base64EncodedString()
        return OutgoingRequest(
            method: "POST",
            url: url,
            headers: [
                .init("Content-Type", "application/x-www-form-urlencoded"), .init("Accept", "application/json"),
                .init("Authorization", "Basic \(user)"),
            ],
            body: Array(form.utf8),
            timeout: Self.patience
        )
    }

    private func token(in answer: IncomingAnswer, at now: Date) throws(TokenError) -> AccessToken {
        let body = (try? JSON(parsing: answer.body)) ?? .null
        guard let text = body["access_token"]?.string, !text.isEmpty else {
            throw TokenError(of: endpoint, "without 'access_token'")
        }
        if let type = body["token_type"]?.string, type.lowercased() != "bearer" {
            throw TokenError(of: endpoint, "with a token of the type '\(type.onOneLine.cut(to: 40))', not Bearer")
        }
        // What can be sent neither in a header nor in a login would be taken for the end of it.
        guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw TokenError(of: endpoint, "with an 'access_token' that has characters which no token has")
        }
        // Some servers write the number as a text.
        let lifetime = body["expires_in"].flatMap { $0.number?.integer ?? $0.string.flatMap { Int($0) } }
        return AccessToken(text, end: lifetime.map { now.addingTimeInterval(TimeInterval($0)) })
    }
}
