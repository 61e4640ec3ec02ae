package import CountersignCore

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

    /// How a client proves who it is (RFC 4954); what it shows is looked up again for each mail.
    package enum Authentication: Sendable {
        /// Not at all.
        case none
        /// By a user name and a password, with PLAIN or LOGIN.
        case password(@Sendable () throws(StepFailure) -> Login)
        /// By an access token that may send mail of `user`, with XOAUTH2.
        case accessToken(user: String, from: OAuthClient)
    }

    /// A user name and a password.
    package struct Login: Sendable {
        /// The user name.
        package let user: String

        /// The password in clear text.
        package let password: String

        /// A login for one mail.
        package init(user: String, password: String) {
            self.user = user
            self.password = password
        }
    }

    /// The name or the address of the server, an IPv6 address without brackets.
    package let host: String

    /// The TCP port.
    package let port: Int

    /// How the connection is encrypted.
    package let security: Security

    /// The name that a client gives of itself in EHLO: a domain, or an address literal (RFC 5321, 4.1.1.1); nil for that of
    /// this machine.
    package let hello: String?

    /// The sender where a mail names none.
    package let from: MailAddress

    /// Whom mails go to that name nobody.
    package let to: [MailAddress]

    /// How many bytes the attachments of a mail may have together.
    package let attachmentLimit: ByteSize

    /// What the server asks for before it takes mails.
    package let authentication: Authentication

    /// A mail server; by default, it requires no authentication.
    package init(
        host: String,
        port: Int,
        security: Security,
        hello: String? = nil,
        from: MailAddress,
        to: [MailAddress] = [],
        attachmentLimit: ByteSize = .mib(25),
        authentication: Authentication = .none
    ) {
        self.host = host
        self.port = port
        self.security = security
        self.hello = hello
        self.from = from
        self.to = to
        self.attachmentLimit = attachmentLimit
        self.authentication = authentication
    }

    /// Host and port.
    package var place: String { "\(host.contains(":") ? "[\(host)]" : host):\(port)" }
}

extension MailServer {
    /// The name of this machine where it is one that can be looked up, else its address: strict servers answer 504 to a
    /// name without a domain (RFC 5321, 2.3.5 and 4.1.3).
    package static func greetingName(hostName: String?, localAddress: String?) -> String {
        if let hostName, isFullyQualified(hostName) { return hostName }
        return localAddress ?? "[127.0.0.1]"
    }

    /// Whether `name` can be looked up anywhere: labels with dots between them, and no address.
    package static func isFullyQualified(_ name: String) -> Bool {
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        guard labels.count > 1, name.utf8.count <= 253, IPAddress(name) == nil else { return false }
        return labels.allSatisfy { label in
            (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
                && label.utf8.allSatisfy { $0.isLetter || $0.isDigit || $0 == UInt8(ascii: "-") }
        }
    }

    /// Whether `name` may be in EHLO: a domain, or an address in brackets such as `[192.0.2.1]` or `[IPv6:2001:db8::1]`
    /// (RFC 5321, 4.1.3).
    package static func isGreetingName(_ name: String) -> Bool {
        guard name.hasPrefix("["), name.hasSuffix("]") else { return isFullyQualified(name) }
        let inner = String(name.dropFirst().dropLast())
        if inner.hasPrefix("IPv6:") {
            let address = String(inner.dropFirst("IPv6:".count))
            return address.contains(":") && IPAddress(address) != nil
        }
        return !inner.contains(":") && IPAddress(inner) != nil
    }
}
