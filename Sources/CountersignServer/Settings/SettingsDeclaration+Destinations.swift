import CountersignCore

/// Named destinations.
extension SettingsDeclaration {
    static let destinationURL = Field.text(
        "url",
        "The URL that the paths of steps are appended to, such as `https://crm.example.com/api`.",
        isRequired: true
    )
    static let bearer = Field.template(
        "bearer",
        in: .setting,
        "A token that does not change, such as `${secret:CRM_TOKEN}`, sent as `Authorization: Bearer`."
    )
    static let basicUser = Field.template("user", in: .setting, "The user name.", isRequired: true)
    static let basicPassword = Field.template(
        "password",
        in: .setting,
        "The password, such as `${secret:CRM_PASSWORD}`.",
        isRequired: true
    )
    static let basic = Field.group(
        "basic",
        [basicUser.declaration, basicPassword.declaration],
        "A user name and a password (RFC 7617)."
    )
    static let authorization = Field.template(
        "authorization",
        in: .setting,
        "The whole value of the header `Authorization`, such as `${secret:CRM_KEY}`."
    )
    static let destinationTokenURL = Field.text(
        "token_url",
        "URL of the token endpoint, such as `https://login.microsoftonline.com/TENANT/oauth2/v2.0/token`.",
        isRequired: true
    )
    static let destinationClient = Field.text(
        "client",
        "What the names of the two secrets begin with: `CRM_CLIENT` stands for `CRM_CLIENT_ID` and `CRM_CLIENT_SECRET`.",
        isRequired: true
    )
    static let destinationScope = Field<String>
        .text("scope", "What the tokens are for, such as `https://org.api.crm4.dynamics.com/.default`.")
    static let destinationOAuth = Field.group(
        "oauth2",
        [destinationTokenURL.declaration, destinationClient.declaration, destinationScope.declaration],
        "Access tokens by OAuth 2.0 client credentials, renewed ahead of their end, and once after a 401."
    )
    static let destinationAuth = Field.oneOf(
        "auth",
        [bearer.declaration, basic.declaration, authorization.declaration, destinationOAuth.declaration],
        "Authentication; steps cannot set `Authorization` then."
    )
    static let destinationCertificate = Field.group(
        "client_certificate",
        [
            Field.text("certificate", "PEM file with the certificate and its intermediates.", isRequired: true)
                .declaration,
            Field.text("key", "PEM file of its private key.", isRequired: true).declaration,
        ],
        "The certificate that is shown to the server; new files take effect at once."
    )
    static let clientCertificateFile = Field<String>.text("certificate", "", isRequired: true)
    static let clientCertificateKey = Field<String>.text("key", "", isRequired: true)
    static let destinationAuthorities = Field<String>
        .text("ca", "PEM file of the certificate authorities that are trusted for it, instead of those of the system.")
    static let destinationProxy = Field.template(
        "proxy",
        in: .setting,
        "The HTTP proxy, such as `http://proxy.example.com:3128` or `http://user:${secret:PROXY_PASSWORD}@proxy:3128`; `none` "
            + "for a direct connection. By default, `http.proxy` decides."
    )
    static let destinationRate = Field.form(
        "rate",
        Rate.form,
        "How often steps may use it, such as `60/1m`: evenly spread, over all instances that share the store; each takes its "
            + "share by the number of those that are up. Steps that come too early wait without occupying a worker."
    )
    static let destinationConcurrency = Field<Int>
        .integer(
            "concurrency",
            in: 1...256,
            "How many steps use it at the same time on each instance; by default `engine.per_destination`."
        )
    static let destinationHeaders = Field.templates(
        "headers",
        in: .setting,
        "Headers of each request, unless the step sets them."
    )
    static let selectable = Field.boolean(
        "selectable",
        "Whether `to: \"${package.data.…}\"` may choose it.",
        default: false
    )
    static let destinations = Field.groups(
        "destinations",
        [
            destinationURL.declaration, destinationAuth.declaration, destinationCertificate.declaration,
            destinationAuthorities.declaration, destinationProxy.declaration, destinationRate.declaration,
            destinationConcurrency.declaration, destinationHeaders.declaration, selectable.declaration,
        ],
        "Systems that requests go to, by the name that rules use in `http: { to: NAME }`."
    )
}
