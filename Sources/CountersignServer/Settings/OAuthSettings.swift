import CountersignActions
import CountersignCore
import CountersignOutbound
import CountersignTerminal

/// A client of an OAuth 2.0 server.
struct OAuthSettings: Sendable {
    let tokenURL: String

    /// What the names of its two secrets begin with.
    let client: String

    /// nil for what the server gives by default.
    let scope: String?

    /// The dotted key of the group.
    let key: String

    /// The settings of the group `key`, such as `mail.auth.oauth2`.
    ///
    /// - Throws: `UsageError`.
    init(_ options: Options, key: String) throws {
        typealias Declared = SettingsDeclaration
        self.key = key
        guard let text = options[Declared.tokenURL] else {
            throw UsageError(
                "'\(key)' needs 'token_url', such as https://login.microsoftonline.com/TENANT/oauth2/v2.0/token"
            )
        }
        do throws(StepFailure) {
            let url = try RequestURL(text, source: text)
            tokenURL = url.url
            guard url.url.lowercased().hasPrefix("https:") || ["127.0.0.1", "localhost", "::1"].contains(url.host)
            else {
                throw .final("it would get the client's secret unencrypted; use https://")
            }
        } catch {
            throw UsageError("'\(key).token_url' cannot be used: \(error)")
        }
        client = options.required(Declared.oauthClient)
        guard !client.isEmpty, client.utf8.allSatisfy({ $0.isLetter || $0.isDigit || $0 == UInt8(ascii: "_") }) else {
            throw UsageError(
                "'\(key).client' must be a name of letters, digits and '_', such as MAIL_CLIENT for the secrets "
                    + "MAIL_CLIENT_ID and MAIL_CLIENT_SECRET, not '\(client.printable)'"
            )
        }
        scope = options[Declared.oauthScope]
    }

    /// The names of the two secrets.
    var secretNames: [String] { [origin.idSecret, origin.secretSecret] }

    private var origin: OAuthClient.Origin { OAuthClient.Origin(setting: key, client: client) }

    /// The client, with its secrets as they are when a token is needed.
    func client(
        _ places: SecretFiles,
        over http: any HTTPSending,
        clock: any WallClock
    ) -> OAuthClient {
        let origin = origin
        return OAuthClient(
            origin: origin,
            grant: ClientCredentialsGrant(url: tokenURL, scope: scope, http: http, clock: clock),
            clock: clock
        ) { () throws(StepFailure) in
            let secrets = places.load([origin.idSecret, origin.secretSecret])
            return ClientCredentialsGrant.Client(
                id: try secrets.value(of: origin.idSecret),
                secret: try secrets.value(of: origin.secretSecret)
            )
        }
    }
}

extension SettingsDeclaration {
    static let tokenURL = Field<String>
        .text(
            "token_url",
            "URL of the token endpoint, such as `https://login.microsoftonline.com/TENANT/oauth2/v2.0/token`; a private address "
                + "must be allowed in `http`."
        )
    static let oauthClient = Field.text(
        "client",
        "What the names of the two secrets begin with: `MAIL_CLIENT` stands for `MAIL_CLIENT_ID` and `MAIL_CLIENT_SECRET`.",
        default: MailSettings.clientName
    )
    static let oauthScope = Field<String>
        .text("scope", "What the tokens are for; for Microsoft 365 `https://outlook.office365.com/.default`.")
    static let oauth = Field.group(
        "oauth2",
        [tokenURL.declaration, oauthClient.declaration, oauthScope.declaration],
        "XOAUTH2 in the place of a password, with access tokens by OAuth 2.0 client credentials."
    )
}
