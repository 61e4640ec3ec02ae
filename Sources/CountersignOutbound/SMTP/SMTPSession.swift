import CountersignCore
import Foundation
import Synchronization

/// What is said to a mail server, and what its replies mean.
struct SMTPSession: Sendable {
    let server: MailServer
    let connection: SMTPConnection

    /// What the server can do, which it says once it is spoken to.
    let abilities = Abilities()

    init(server: MailServer, connection: SMTPConnection) {
        self.server = server
        self.connection = connection
    }

    /// What came of a mail that the server took.
    struct Outcome: Sendable {
        let accepted: [String]
        let refused: [MailReceipt.Refusal]
        let reply: String
    }

    /// Greets and encrypts.
    func begin(over tls: SMTPEncryption) async throws(StepFailure) {
        try await ask(nil, "its greeting", wants: 220)
        try await greet()
        if server.security == .startTLS {
            guard abilities.current?.has("STARTTLS") == true else {
                throw StepFailure(
                    "\(name) does not offer STARTTLS, so nothing was sent; if it uses TLS from the first "
                        + "byte, set 'mail.security: tls'"
                )
            }
            try await ask("STARTTLS", "STARTTLS", wants: 220)
            do {
                try await connection.encrypt(with: tls)
            } catch {
                throw Self.failure(server, error)
            }
            // What it said in the open may have been said by others.
            try await greet()
        }
    }

    private func greet() async throws(StepFailure) {
        let name = server.hello ?? MailServer.greetingName(hostName: .hostName, localAddress: connection.localAddress)
        let reply = try await exchange(Array("EHLO \(name)\r\n".utf8))
        if reply.code == 250 { return abilities.set(SMTPExtensions(reply)) }
        // Who does not know EHLO offers no extensions (RFC 5321, 3.2).
        guard [500, 501, 502, 504].contains(reply.code) else { throw refusal(ofName: name, reply) }
        let older = try await exchange(Array("HELO \(name)\r\n".utf8))
        guard older.code == 250 else { throw refusal(ofName: name, older) }
        abilities.set(.none)
    }

    private func refusal(ofName name: String, _ reply: SMTPReply) -> StepFailure {
        failure("the name '\(name)' in EHLO", reply, hint: reply.code >= 500 ? "; 'mail.hello' sets another one" : "")
    }

    /// Hands the mail over for all whom the server takes it for.
    func deliver(
        _ bytes: [UInt8],
        from sender: String,
        to recipients: [String]
    ) async throws(StepFailure) -> Outcome {
        var parameters = ""
        if abilities.current?.has("SIZE") == true {
            if let limit = abilities.current?.largestMail, bytes.count > limit {
                throw .final("the mail has \(bytes.count) bytes, and \(name) takes \(limit) at most; make it shorter")
            }
            parameters = " SIZE=\(bytes.count)"
        }
        try await ask("MAIL FROM:<\(sender)>\(parameters)", "the sender \(sender)", wants: 250)
        var accepted: [String] = []
        var refused: [(address: String, reply: SMTPReply)] = []
        for recipient in recipients {
            let reply = try await exchange(Array("RCPT TO:<\(recipient)>\r\n".utf8))
            if reply.code == 421 { throw failure("the recipient \(recipient)", reply) }
            if reply.isPositive { accepted.append(recipient) } else { refused.append((recipient, reply)) }
        }
        guard !accepted.isEmpty else {
            // While one of them may be taken later, trying again helps.
            let telling = refused.first { $0.reply.code < 500 } ?? refused[0]
            throw failure("the recipient \(telling.address)", telling.reply)
        }
        try await ask("DATA", "DATA", wants: 354)
        let reply = try await exchange(Self.stuffed(bytes))
        guard reply.isPositive else { throw failure("the mail", reply) }
        return Outcome(
            accepted: accepted,
            refused: refused.map { .init(address: $0.address, reply: $0.reply.text) },
            reply: reply.text
        )
    }

    /// The mail with a dot before each line that begins with one, and the line that ends it.
    static func stuffed(_ bytes: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count + 16)
        var isAtStart = true
        for byte in bytes {
            if isAtStart, byte == UInt8(ascii: ".") { out.append(byte) }
            out.append(byte)
            isAtStart = byte == 0x0A
        }
        if !isAtStart { out += [0x0D, 0x0A] }
        return out + Array(".\r\n".utf8)
    }

    func end() async { await connection.quit() }

    func abandon() { connection.close() }
}

// MARK: Asking

extension SMTPSession {
    var name: String { "the mail server '\(server.place)'" }

    /// Says `line`, or listens where it is nil, and takes no reply but `code`; a failure names the `subject`.
    @discardableResult
    func ask(_ line: String?, _ subject: String, wants code: Int) async throws(StepFailure) -> SMTPReply {
        let reply = try await exchange(line.map { Array($0.utf8) + [0x0D, 0x0A] })
        guard reply.code == code else { throw failure(subject, reply) }
        return reply
    }

    func exchange(_ bytes: [UInt8]?) async throws(StepFailure) -> SMTPReply {
        do {
            return try await connection.ask(bytes: bytes)
        } catch {
            throw Self.failure(server, error)
        }
    }

    /// A no: for now with a code of the four hundreds, for good with any other.
    private func failure(_ subject: String, _ reply: SMTPReply, hint: String = "") -> StepFailure {
        StepFailure(
            "\(name) does not take \(subject): \(reply.text)\(hint)",
            isWorthRetrying: (400...499).contains(reply.code),
            isOutage: reply.code == 421,
            output: ["reply_code": JSON(reply.code), "reply": .string(reply.text)]
        )
    }

    /// Why there is no reply.
    static func failure(_ server: MailServer, _ error: any Error) -> StepFailure {
        let error = Task.isCancelled ? .canceled : NetworkError(error)
        return StepFailure(
            "the exchange with the mail server '\(server.place)' failed: \(error.text(adding: advice))",
            isWorthRetrying: error.isPassing,
            isOutage: error.isOutage
        )
    }

    /// What to do where a setting may be wrong.
    private static let advice: [NetworkError.Kind: String] = [
        .notTLS: "if it uses TLS after STARTTLS, set 'mail.security: starttls'",
        .certificateForAnotherName: "check 'mail.server', or the certificate",
    ]
}

/// What the server said last that it can do.
final class Abilities: Sendable {
    private let extensions = Mutex<SMTPExtensions?>(nil)

    var current: SMTPExtensions? { extensions.withLock { $0 } }

    func set(_ new: SMTPExtensions) { extensions.withLock { $0 = new } }
}
