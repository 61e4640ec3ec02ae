import CountersignCore
import CountersignOutbound

/// The mail server.
extension SettingsDeclaration {
    static let mailServer = Field<String>
        .text(
            "server",
            "Host and port of the mail server, such as `smtp.example.com:587`; without it, no email is sent."
        )
    static let mailSecurity = Field.choice(
        "security",
        MailServer.Security.allCases.map(\.rawValue),
        "Encryption: `starttls`, usually on port 587; `tls`, usually on port 465; `none` only for "
            + "servers of your own network.",
        default: MailServer.Security.startTLS.rawValue
    )
    static let mailHello = Field<String>
        .text(
            "hello",
            "The host name in EHLO, such as `app.example.com` or `[192.0.2.1]`; defaults to the name of "
                + "this machine, or to its address if that name has no domain."
        )
    static let mailFrom = Field<String>.text("from", "The sender, such as `Countersign <countersign@example.com>`.")
    static let mailTo = Field<[String]>.texts("to", "The recipients of emails whose step has no `to`.")
    static let mailUser = Field<String>
        .text(
            "user",
            "The user name; the password is the secret `MAIL_PASSWORD`. With `auth.oauth2` the mailbox that sends, and no password."
        )
    static let mailAttachments = Field.size(
        "max_attachments",
        in: .kib(1)...(.mib(100)),
        "How large the attachments of an email may be together; encoded, they are a third larger.",
        default: .mib(25)
    )
    static let mailAuth = Field.group(
        "auth",
        [oauth.declaration],
        "Authentication other than by a password."
    )
    static let mail = Field.group(
        "mail",
        [
            mailServer.declaration, mailSecurity.declaration, mailHello.declaration, mailFrom.declaration,
            mailTo.declaration, mailUser.declaration, mailAuth.declaration, mailAttachments.declaration,
        ],
        "The server for outgoing email."
    )
}
