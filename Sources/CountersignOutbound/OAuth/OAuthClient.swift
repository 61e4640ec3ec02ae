package import CountersignCore

/// A client of an OAuth 2.0 server, set up under a setting, that gets access tokens for itself.
///
/// Whoever needs tokens of the same client shares it, and by that its cache.
package final class OAuthClient: Sendable {
    /// Where a client is configured, for what failures say.
    package struct Origin: Sendable {
        /// The dotted key of the group of settings, such as `mail.auth.oauth2`.
        package let setting: String

        /// The name of the secret with the client's id.
        package let idSecret: String

        /// The name of the secret with the client's secret.
        package let secretSecret: String

        /// The settings under `setting`, with secrets whose names begin with `client`.
        package init(setting: String, client: String) {
            self.setting = setting
            idSecret = "\(client)_ID"
            secretSecret = "\(client)_SECRET"
        }
    }

    private let origin: Origin
    private let client: @Sendable () throws(StepFailure) -> ClientCredentialsGrant.Client
    private let tokens: AccessTokens<ClientCredentialsGrant.Client, TokenError>

    /// - Parameters:
    ///   - origin: Where it is configured.
    ///   - grant: The way to the token endpoint.
    ///   - clock: The time of day, by which tokens end.
    ///   - client: The id and the secret as they are now; asked for each use, so that a new secret takes effect at once.
    package init(
        origin: Origin,
        grant: ClientCredentialsGrant,
        clock: any WallClock,
        client: @escaping @Sendable () throws(StepFailure) -> ClientCredentialsGrant.Client
    ) {
        self.origin = origin
        self.client = client
        tokens = AccessTokens(clock: clock, canceled: .canceled) { client throws(TokenError) in
            try await grant.token(for: client)
        }
    }

    /// A token that has enough time left to be used now.
    ///
    /// - Throws: `StepFailure` that says what to check; it is worth retrying where the token endpoint cannot be reached, or
    ///   says that it has a problem of its own.
    package func token() async throws(StepFailure) -> AccessToken {
        let client = try client()
        do throws(TokenError) {
            return try await tokens.token(for: client)
        } catch {
            throw StepFailure(
                error.reason + (error.suspect.map { "; check \(name(of: $0))" } ?? ""),
                isWorthRetrying: error.isPassing,
                retryAfter: error.retryAfter,
                isOutage: error.isOutage
            )
        }
    }

    /// Has the next one who needs a token fetch a new one, as this one was rejected.
    package func forget(_ token: AccessToken) { tokens.forget(token) }

    private func name(of suspect: TokenError.Suspect) -> String {
        switch suspect {
        case .client: "the secrets \(origin.idSecret) and \(origin.secretSecret)"
        case .scope: "'\(origin.setting).scope'"
        case .tokenURL: "'\(origin.setting).token_url'"
        }
    }
}
