import CountersignCore
import Foundation

/// What a client shows to prove who it is.
enum SMTPCredentials: Sendable {
    case password(MailServer.Login)
    case accessToken(AccessToken, user: String)

    var user: String {
        switch self {
        case .password(let login): login.user
        case .accessToken(_, let user): user
        }
    }
}

// MARK: Logging in

extension SMTPSession {
    /// What came of a login; a failure of another kind is thrown.
    enum LoginOutcome: Sendable {
        case accepted

        /// The server does not accept the access token, and a new one may be accepted.
        case rejected(AccessToken, StepFailure)
    }

    /// Logs in as the server's settings say.
    func logIn(with credentials: SMTPCredentials) async throws(StepFailure) -> LoginOutcome {
        // The settings refuse this before; here it is refused whoever made them.
        guard server.security != .none else {
            throw .final("no credentials are sent unencrypted; set 'mail.security' to starttls or tls")
        }
        // They separate the parts of what is sent.
        guard !credentials.user.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
            throw .final("'mail.user' has a control character: '\(credentials.user.printable)'")
        }
        switch credentials {
        case .password(let login):
            try await logIn(with: login)
            return .accepted
        case .accessToken(let token, let user): return try await logIn(with: token, of: user)
        }
    }

    private var mechanisms: Set<String> { abilities.current?.mechanisms ?? [] }

    private func logIn(with login: MailServer.Login) async throws(StepFailure) {
        func encoded(_ text: String) -> String { Data(text.utf8).base64EncodedString() }
        if mechanisms.contains("PLAIN") {
            try await prove("AUTH PLAIN \(encoded("\0\(login.user)\0\(login.password)"))", isLast: true)
        } else if mechanisms.contains("LOGIN") {
            try await prove("AUTH LOGIN", isLast: false)
            try await prove(encoded(login.user), isLast: false)
            try await prove(encoded(login.password), isLast: true)
        } else {
            let advice =
                mechanisms.contains("XOAUTH2")
                ? "it offers XOAUTH2, set 'mail.auth.oauth2'" : "remove 'mail.user' if it requires no authentication"
            throw .final("\(name) supports neither PLAIN nor LOGIN authentication; \(advice)")
        }
    }

    /// Says a part of the login; what the server answers is not reported, as it may repeat what was said.
    private func prove(_ line: String, isLast: Bool) async throws(StepFailure) {
        let reply = try await exchange(Array(line.utf8) + [0x0D, 0x0A])
        guard reply.code != (isLast ? 235 : 334) else { return }
        throw StepFailure(
            "\(name) rejected the credentials of 'mail.user' (\(reply.code)); check it and the secret MAIL_PASSWORD",
            isWorthRetrying: (400...499).contains(reply.code),
            isOutage: reply.code == 421,
            output: ["reply_code": JSON(reply.code)]
        )
    }

    /// XOAUTH2, as Google and Microsoft describe it.
    private func logIn(with token: AccessToken, of user: String) async throws(StepFailure) -> LoginOutcome {
        guard mechanisms.contains("XOAUTH2") else {
            let offer = mechanisms.isEmpty ? "no authentication" : mechanisms.sorted().joined(separator: ", ")
            throw .final(
                "\(name) does not offer XOAUTH2, which 'mail.auth.oauth2' needs; it offers \(offer.onOneLine.cut(to: 200))"
            )
        }
        // A token makes a line longer than a command may be (RFC 5321, section 4.5.3.1.4), so it follows the command.
        try await ask("AUTH XOAUTH2", "AUTH XOAUTH2", wants: 334)
        let proof = Data("user=\(user)\u{1}auth=Bearer \(token.text)\u{1}\u{1}".utf8).base64EncodedString()
        var reply = try await exchange(Array(proof.utf8) + [0x0D, 0x0A])
        var details: String?
        if reply.code == 334 {
            details = reply.lines.first.flatMap { Data(base64Encoded: $0) }.map { String(decoding: $0, as: UTF8.self) }
            // The server tells why, and gives its reply only after another line, an empty one.
            reply = try await exchange([0x0D, 0x0A])
        }
        guard reply.code != 235 else { return .accepted }
        let failure = rejection(of: token, user, reply, details, hiding: [token.text, proof])
        guard !failure.isWorthRetrying else { throw failure }
        return .rejected(token, failure)
    }

    /// What the server said to a token, as a whole, since it says which permission is missing.
    private func rejection(
        of token: AccessToken,
        _ user: String,
        _ reply: SMTPReply,
        _ details: String?,
        hiding secrets: [String]
    ) -> StepFailure {
        let secrets = Secrets([:], others: secrets)
        func shown(_ text: String) -> String { secrets.masking(text).onOneLine.cut(to: 1_000) }
        let text = shown("\(reply.code) \(reply.lines.joined(separator: " "))")
        return StepFailure(
            "\(name) rejected the access token for '\(user)': \(text)\(details.map { " \(shown($0))" } ?? ""); check that "
                + "'mail.user' is a mailbox, and that the client of 'mail.auth.oauth2' may send from it",
            isWorthRetrying: (400...499).contains(reply.code),
            isOutage: reply.code == 421,
            output: ["reply_code": JSON(reply.code), "reply": .string(text)]
        )
    }
}
