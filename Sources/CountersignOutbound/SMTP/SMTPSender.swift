package import CountersignCore
package import Foundation
import NIOCore
package import NIOSSL
import Synchronization

/// Sends mail by SMTP (RFC 5321), over TLS as the settings say.
package struct SMTPSender: MailSending {
    private let server: MailServer
    private let addresses: ReachableAddresses
    private let encryption: Encryption
    private let composer: MailComposer
    private let patience: TimeAmount

    /// - Parameters:
    ///   - server: Where it is, and how it is spoken to.
    ///   - policy: Says which addresses may be reached.
    ///   - resolver: Looks names up.
    ///   - tls: What the certificate is checked against; nil for the system's authorities.
    ///   - patience: How long each reply may take.
    package init(
        server: MailServer,
        policy: OutgoingPolicy = OutgoingPolicy(),
        resolver: any NameResolving = SystemResolver(),
        tls: TLSConfiguration? = nil,
        patience: Duration = .seconds(60)
    ) {
        self.server = server
        addresses = ReachableAddresses(policy: policy, resolver: resolver)
        encryption = Encryption(tls ?? .outgoing)
        composer = MailComposer(from: server.from)
        self.patience = TimeAmount(patience)
    }

    /// The limit of the settings.
    package var attachmentLimit: ByteSize { server.attachmentLimit }

    /// Sends the mail over a new connection, to the settings' recipients where it names none.
    ///
    /// - Throws: `StepFailure` where there is no recipient, the server cannot be reached, or it accepts none of them.
    package func send(_ mail: OutgoingMail, key: String, at now: Date) async throws(StepFailure) -> MailReceipt {
        let mail = mail.to.isEmpty ? mail.addressed(to: server.to) : mail
        guard !mail.to.isEmpty else {
            throw .final("the email has no recipient; add 'to', or set 'mail.to' in countersign.yaml")
        }
        let bytes = composer.bytes(of: mail, key: key, at: now)
        return try await converse { session throws(StepFailure) in
            let sender = (mail.from ?? server.from).address
            let outcome = try await session.deliver(bytes, from: sender, to: mail.recipients)
            return MailReceipt(
                messageID: composer.messageID(of: mail, key: key),
                accepted: outcome.accepted,
                refused: outcome.refused,
                reply: outcome.reply
            )
        }
    }

    /// Connects and logs in, and sends nothing.
    package func probe() async throws(StepFailure) {
        try await converse { _ throws(StepFailure) in }
    }

    /// Connects, logs in, has `body` talk, and says goodbye.
    private func converse<Result: Sendable>(
        _ body: @Sendable (SMTPSession) async throws(StepFailure) -> Result
    ) async throws(StepFailure) -> Result {
        let session = try await openSession()
        do throws(StepFailure) {
            let result = try await body(session)
            await session.end()
            return result
        } catch {
            session.abandon()
            throw error
        }
    }

    /// Connects and logs in; a token that is rejected is replaced once, for a new connection.
    private func openSession() async throws(StepFailure) -> SMTPSession {
        let (session, outcome) = try await attemptSession()
        guard case .rejected(let token, _) = outcome, case .accessToken(_, let client) = server.authentication else {
            return session
        }
        session.abandon()
        client.forget(token)
        let (next, final) = try await attemptSession()
        guard case .rejected(let token, let failure) = final else { return next }
        next.abandon()
        client.forget(token)
        throw failure
    }

    private func attemptSession() async throws(StepFailure) -> (SMTPSession, SMTPSession.LoginOutcome) {
        // Before the connection, since a server does not wait for a token for long.
        let credentials = try await credentials()
        let session = SMTPSession(server: server, connection: try await connect())
        do throws(StepFailure) {
            try await session.begin(over: try encryption.for(server.host))
            guard let credentials else { return (session, .accepted) }
            return (session, try await session.logIn(with: credentials))
        } catch {
            session.abandon()
            throw error
        }
    }

    private func credentials() async throws(StepFailure) -> SMTPCredentials? {
        switch server.authentication {
        case .none: nil
        case .password(let login): .password(try login())
        case .accessToken(let user, let client): .accessToken(try await client.token(), user: user)
        }
    }

    private func connect() async throws(StepFailure) -> SMTPConnection {
        let all: [IPAddress]
        do throws(ExchangeError) {
            all = try await addresses.all(of: server.host)
        } catch {
            let reason = "the mail server '\(server.place)' cannot be reached: \(error.reason)"
            throw StepFailure(reason, isWorthRetrying: error.isPassing, isOutage: error.isOutage)
        }
        let isOpen = all.contains { AddressReach($0) == .open }
        guard server.security != .none || !isOpen else {
            throw .final(
                "'mail.security: none' is only for your own network, to which '\(server.host)' does not belong"
            )
        }
        let tls = server.security == .tls ? try encryption.for(server.host) : nil
        var failure = StepFailure("the mail server '\(server.place)' has no address", isOutage: true)
        for address in all {
            do {
                return try await SMTPConnection.open(address, port: server.port, over: tls, patience: patience)
            } catch {
                failure = SMTPSession.failure(server, error)
            }
        }
        throw failure
    }

    /// The authorities, read when they are first needed.
    private final class Encryption: Sendable {
        private let configuration: TLSConfiguration
        private let context = Mutex<NIOSSLContext?>(nil)

        init(_ configuration: TLSConfiguration) {
            self.configuration = configuration
        }

        func `for`(_ host: String) throws(StepFailure) -> SMTPEncryption {
            if let context = context.withLock({ $0 }) { return SMTPEncryption(context: context, host: host) }
            do {
                let made = try NIOSSLContext(configuration: configuration)
                context.withLock { $0 = made }
                return SMTPEncryption(context: made, host: host)
            } catch {
                throw StepFailure("TLS cannot be used: \(NetworkError(error))")
            }
        }
    }
}

extension OutgoingMail {
    fileprivate func addressed(to: [MailAddress]) -> OutgoingMail {
        var mail = OutgoingMail(
            from: from,
            to: to,
            cc: cc,
            bcc: bcc,
            replyTo: replyTo,
            subject: subject,
            text: text,
            html: html
        )
        mail.attachments = attachments
        return mail
    }

    /// Everybody who gets it, nobody twice.
    fileprivate var recipients: [String] {
        var seen: Set<String> = []
        return (to + cc + bcc).map(\.address).filter { seen.insert($0).inserted }
    }
}
