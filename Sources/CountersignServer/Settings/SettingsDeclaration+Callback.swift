import CountersignCore
import CountersignListener

/// Who may post callbacks.
extension SettingsDeclaration {
    static let usesKey = Field.boolean("key", "Whether one of the callback keys is required.", default: false)
    static let issuer = Field<String>
        .form(
            "issuer",
            protectedURL,
            "URL of the issuer of JSON Web Tokens, exactly as in the claim `iss`. Its keys are discovered, kept over restarts "
                + "and renewed."
        )
    static let audience = Field<String>
        .text("audience", "Whom the tokens must be for (the claim `aud`); required with `issuer`.")
    static let tokenScope = Field<String>
        .text("scope", "Words that the tokens must have in `scope`, `scp` or `roles`, with blanks between them.")
    static let introspectionURL = Field<String>
        .form(
            "introspection_url",
            protectedURL,
            "URL of the introspection endpoint for opaque tokens (RFC 7662), instead of `issuer`; its answers are cached for a minute."
        )
    static let introspectionClient = Field<String>
        .text(
            "client",
            "What the names of the two secrets for `introspection_url` begin with: `HOOKS_CLIENT` stands for "
                + "`HOOKS_CLIENT_ID` and `HOOKS_CLIENT_SECRET`."
        )
    static let bearerToken = Field.group(
        "bearer",
        [
            issuer.declaration, audience.declaration, tokenScope.declaration, introspectionURL.declaration,
            introspectionClient.declaration,
        ],
        "An OAuth 2.0 access token, sent as `Authorization: Bearer`."
    )
    static let headerName = Field.text("name", "The name of the header.", isRequired: true)
    static let headerValue = Field.template(
        "value",
        in: .setting,
        "The value of the header, such as `${secret:CALLBACK_ENV}`.",
        isRequired: true
    )
    static let requiredHeader = Field<[Options]>
        .maps(
            "header",
            [headerName.declaration, headerValue.declaration],
            "A header with a fixed value, or a list of up to five."
        )
    static let networks = Field.forms(
        "networks",
        NetworkPrefix.form,
        "The client must be in one of these networks; see `callback.trusted_proxies`."
    )
    static let certificateSubject = Field.text(
        "subject",
        "The common name, a DNS name or an e-mail address in the certificate.",
        isRequired: true
    )
    static let requiredCertificate = Field.group(
        "client_certificate",
        [certificateSubject.declaration],
        "A certificate of the client, certified by `tls.client_ca`; only with TLS of the endpoint itself."
    )
    static let auth = Field<MapsOrWord>
        .maps(
            "auth",
            [
                usesKey.declaration, bearerToken.declaration, requiredHeader.declaration, networks.declaration,
                requiredCertificate.declaration,
            ],
            orWord: ["key", "none"],
            "Who may post callbacks. `key`: holders of a callback key. `none`: anyone. A list: alternatives, each a map of "
                + "requirements that must all be met."
        )
    static let trustedProxies = Field.forms(
        "trusted_proxies",
        NetworkPrefix.form,
        "Networks of the reverse proxies in front of the endpoint: the client is then the last address in `X-Forwarded-For` that is in none "
            + "of them."
    )

    private static let protectedURL = TextForm("a URL with https") { text in
        IssuerDirectory.isProtected(text)
            ? nil
            : "must be a URL that begins with https://, or http:// on this machine only, not '\(text.printable)'"
    }

    static let accountPath = Field<String>
        .text("path", "Path of the account's callbacks; by default `/callback/` and the name of the account.")
    static let accountCallback = Field.group(
        "callback",
        [accountPath.declaration, auth.declaration, keyFile.declaration],
        "The callback endpoint of the account."
    )
    static let accounts = Field.groups(
        "accounts",
        [accountCallback.declaration, oneSpan.declaration],
        "Accounts of OneSpan Sign, by the name that rules use in `account: NAME`; without any there is one account, without a name."
    )
}
