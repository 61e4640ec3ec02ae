import CountersignActions
import CountersignCore
import CountersignOutbound
import CountersignTerminal
import NIOSSL

/// The mail server through which rules send mail.
struct MailSettings: Sendable {
    /// The secret that holds the password of `mail.user`.
    static let passwordName = "MAIL_PASSWORD"

    /// What the names of the secrets of an OAuth 2.0 client begin with, unless the settings say otherwise.
    static let clientName = "MAIL_CLIENT"

    let host: String
    let port: Int
    let security: MailServer.Security
    let hello: String?
    let from: MailAddress

    /// Whom mails go to that name nobody.
    let to: [MailAddress]
    let user: String?

    /// How many bytes attachments may have together.
    let attachmentLimit: ByteSize

    /// Where access tokens come from; nil where `user` has a password.
    let oauth: OAuthSettings?

    /// The settings of the group; nil without a server.
    ///
    /// - Throws: `UsageError`.
    init?(_ options: Options) throws {
        typealias Declared = SettingsDeclaration
        guard let text = options[Declared.mailServer] else {
            guard let other = options.entries.first(where: { $0.key != Declared.mailSecurity.declaration.key }) else {
                return nil
            }
            throw UsageError("'mail.\(other.key)' needs 'mail.server', such as smtp.example.com:587")
        }
        (host, port) = try Settings.address(text, of: "mail.server", such: "smtp.example.com:587")
        do throws(StepFailure) {
            _ = try RequestURL("https://\(host.contains(":") ? "[\(host)]" : host):\(port)/", source: text)
        } catch {
            throw UsageError("'mail.server' cannot be used: \(error)")
        }
        guard port > 0 else { throw UsageError("'mail.server' needs a port, usually 587 or 465") }
        security = MailServer.Security(rawValue: options.required(Declared.mailSecurity)) ?? .startTLS
        hello = options[Declared.mailHello]
        guard hello.map(MailServer.isGreetingName) ?? true else {
            throw UsageError(
                "'mail.hello' must be a full domain such as app.example.com, or an address such as [192.0.2.1] or "
                    + "[IPv6:2001:db8::1], not '\((hello ?? "").printable)'"
            )
        }
        guard let sender = options[Declared.mailFrom] else {
            throw UsageError("'mail.server' needs 'mail.from', the sender, such as countersign@example.com")
        }
        from = try Self.address(sender, "mail.from")
        to = try options.required(Declared.mailTo).map { try Self.address($0, "mail.to") }
        user = options[Declared.mailUser]
        guard user == nil || security != .none else {
            throw UsageError("'mail.user' would be sent unencrypted; set 'mail.security' to starttls or tls")
        }
        // XOAUTH2 and PLAIN separate what they send by control characters.
        guard user?.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) != true else {
            throw UsageError("'mail.user' has a control character: '\((user ?? "").printable)'")
        }
        attachmentLimit = options.required(Declared.mailAttachments)
        oauth = try options[Declared.mailAuth]?[Declared.oauth].map { try OAuthSettings($0, key: "mail.auth.oauth2") }
        guard oauth == nil || user != nil else {
            throw UsageError("'mail.auth.oauth2' needs 'mail.user', the mailbox that sends, such as sign@example.com")
        }
    }

    private static func address(_ text: String, _ setting: String) throws -> MailAddress {
        do throws(StepFailure) {
            return try MailAddress(text, source: text)
        } catch {
            throw UsageError("'\(setting)': \(error)")
        }
    }

    /// The secrets with which the program logs in.
    var secretNames: [String] { oauth?.secretNames ?? (user == nil ? [] : [Self.passwordName]) }

    /// The server; secrets are looked up when a mail is sent.
    func server(_ authentication: MailServer.Authentication) -> MailServer {
        MailServer(
            host: host,
            port: port,
            security: security,
            hello: hello,
            from: from,
            to: to,
            attachmentLimit: attachmentLimit,
            authentication: authentication
        )
    }

    private static func password(of user: String, in places: SecretFiles) -> MailServer.Authentication {
        .password { () throws(StepFailure) in
            let secrets = places.load([passwordName])
            return MailServer.Login(user: user, password: try secrets.value(of: passwordName))
        }
    }

    /// How the server is shown who sends.
    fileprivate func authentication(
        _ places: SecretFiles,
        over http: any HTTPSending,
        clock: any WallClock
    ) -> MailServer.Authentication {
        guard let user else { return .none }
        guard let oauth else { return Self.password(of: user, in: places) }
        return .accessToken(user: user, from: oauth.client(places, over: http, clock: clock))
    }
}

extension CommandEnvironment {
    /// The way to the mail server; nil where the settings name none.
    ///
    /// - Throws: `UsageError` when the file of further authorities cannot be used.
    func mail(for settings: Settings) throws -> SMTPSender? {
        try settings.mail.map { mail in
            let places = SecretFiles(folder: settings.secretsFolder, variables: variables)
            return SMTPSender(
                server: mail.server(mail.authentication(places, over: try sender(for: settings), clock: clock)),
                policy: settings.outgoingPolicy,
                tls: try settings.outgoingTLS()
            )
        }
    }
}

extension Settings {
    /// What a step's `if` finds set; secrets are not among it.
    var configured: Configured {
        var names: Set<String> = []
        if accounts.contains(where: { $0.oneSpan != nil }) { names.insert("onespan.url") }
        if let mail {
            names.insert("mail.server")
            if !mail.to.isEmpty { names.insert("mail.to") }
        }
        return Configured(names)
    }
}
