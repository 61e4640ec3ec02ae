package import CountersignModel

/// The mail server that takes mails, and how it is spoken to.
package struct MailServer: Sendable {
    /// How what is said is kept from others.
    package enum Security: String, Sendable, CaseIterable {
        /// Begins in the open and goes on over TLS, or not at all.
        case startTLS = "starttls"
        /// Over TLS from the first byte.
        case tls
        /// Not at all; only to an address of the own network.
        case none
    }

    /// What is looked up anew for each mail.
    package struct Login: Sendable {
        package let user: String
        package let password: String

        package init(user: String, password: String) {
            self.user = user
            self.password = password
        }
    }

    package let host: String
    package let port: Int
    package let security: Security

    /// The sender where a mail names none.
    package let from: MailAddress

    /// Whom mails go to that name nobody.
    package let to: [MailAddress]

    /// The user and the password as they are now; nil where the server asks for none.
    package let login: @Sendable () throws(StepFailure) -> Login?

    package init(
        host: String,
        port: Int,
        security: Security,
        from: MailAddress,
        to: [MailAddress] = [],
        login: @escaping @Sendable () throws(StepFailure) -> Login? = { () throws(StepFailure) in nil }
    ) {
        self.host = host
        self.port = port
        self.security = security
        self.from = from
        self.to = to
        self.login = login
    }

    /// Host and port.
    package var place: String { "\(host.contains(":") ? "[\(host)]" : host):\(port)" }
}
