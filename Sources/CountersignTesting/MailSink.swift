import Foundation
import NIOCore
import NIOPosix
package import NIOSSL
import Synchronization

/// A mail server on the loopback interface that keeps what it is sent, and answers from a script where it has one.
package final class MailSink: Sendable {
    /// A mail that came.
    package struct Mail: Sendable {
        /// The sender of the envelope (`MAIL FROM`, RFC 5321), without angle brackets.
        package var sender = ""

        /// The recipients of the envelope (`RCPT TO`, RFC 5321), without angle brackets, in their order.
        package var recipients: [String] = []

        /// As it was written, without the dots that were added on the way.
        package var bytes: [UInt8] = []

        /// Whether the connection used TLS, from its beginning or after `STARTTLS`.
        package var isEncrypted = false

        /// Who logged in; nil for nobody.
        package var user: String?

        /// The mail as text; bytes that are no UTF-8 are replaced by U+FFFD.
        package var text: String { String(decoding: bytes, as: UTF8.self) }
    }

    /// How it behaves.
    package struct Script: Sendable {
        /// When a connection is encrypted: never, after `STARTTLS` (RFC 3207), or from its beginning (RFC 8314).
        package enum Encryption: Sendable {
            case none
            case startTLS(NIOSSLContext)
            case implicit(NIOSSLContext)
        }

        /// How connections are encrypted.
        package var encryption = Encryption.none

        /// The only user who can log in.
        package var user = "mailer"

        /// The password of `user`.
        package var password = "pass word"

        /// Whether an access token may send mail of `user`.
        package var acceptsToken: @Sendable (String) -> Bool = { _ in false }

        /// The ways to log in that it offers.
        package var mechanisms = ["PLAIN", "LOGIN"]

        /// Further lines of what it says that it can do.
        package var abilities = ["SIZE 10485760", "8BITMIME"]

        /// What it says instead, raw, to a line that begins like this; an empty text is silence, and "close" closes.
        package var answers: [(line: String, answer: String)] = []

        /// The same, each for the first such line only.
        package var answersOnce: [(line: String, answer: String)] = []

        /// The first text of a connection, raw; an empty text is silence, and "close" closes.
        package var greeting = "220 sink ESMTP\r\n"

        /// A server without TLS that accepts every mail, logged in or not.
        package init() {}
    }

    private struct State {
        var mails: [Mail] = []
        var lines: [String] = []
        var once: [(line: String, answer: String)] = []
        var waiters: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())
    private let bound = Mutex(0)

    /// The TCP port on 127.0.0.1, which the system chose.
    package var port: Int { bound.withLock { $0 } }

    /// The mails so far, in the order in which they arrived.
    package var mails: [Mail] { state.withLock { $0.mails } }

    /// The lines that it was sent, those of mails not among them.
    package var lines: [String] { state.withLock { $0.lines } }

    private init() {}

    /// Runs a server while `body` lasts.
    package static func with<T>(_ script: Script = Script(), _ body: (MailSink) async throws -> T) async throws -> T {
        let sink = MailSink()
        sink.state.withLock { $0.once = script.answersOnce }
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if case .implicit(let context) = script.encryption {
                        try pipeline.addHandler(NIOSSLServerHandler(context: context))
                    }
                    try pipeline.addHandler(MailSinkHandler(sink: sink, script: script))
                }
            }
            .bind(host: "127.0.0.1", port: 0)
            .get()
        sink.bound.withLock { $0 = channel.localAddress?.port ?? 0 }
        let result: Result<T, any Error>
        do { result = .success(try await body(sink)) } catch { result = .failure(error) }
        try await channel.close()
        return try result.get()
    }

    /// Returns when this many mails have come.
    package func wait(for count: Int = 1) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.mails.count < count { state.waiters.append((count, continuation)) }
                return state.mails.count >= count
            }
            if isThere { continuation.resume() }
        }
    }

    /// The scripted answer to a line, which is used up; nil where there is none.
    fileprivate func answerOnce(to line: String) -> String? {
        state.withLock { state in
            let index = state.once.firstIndex { line.hasPrefix($0.line) }
            return index.map { state.once.remove(at: $0).answer }
        }
    }

    fileprivate func note(_ line: String) { state.withLock { $0.lines.append(line) } }

    fileprivate func keep(_ mail: Mail) {
        let ready = state.withLock { state in
            state.mails.append(mail)
            let ready = state.waiters.filter { $0.count <= state.mails.count }
            state.waiters.removeAll { $0.count <= state.mails.count }
            return ready
        }
        for waiter in ready { waiter.continuation.resume() }
    }
}

/// One conversation.
private final class MailSinkHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum Mode {
        case commands
        case data
        case userName
        case password
        case token
        case rejectedToken
    }

    private let sink: MailSink
    private let script: MailSink.Script
    private var line: [UInt8] = []
    private var mode = Mode.commands
    private var mail = MailSink.Mail()
    private var isEncrypted = false
    private var user: String?
    private var offered = ""

    init(sink: MailSink, script: MailSink.Script) {
        self.sink = sink
        self.script = script
        if case .implicit = script.encryption { isEncrypted = true }
    }

    func channelActive(context: ChannelHandlerContext) { say(script.greeting, context) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        for byte in unwrapInboundIn(data).readableBytesView {
            line.append(byte)
            guard byte == 0x0A else { continue }
            let whole = line
            line = []
            if case .data = mode {
                takeData(whole, context)
            } else {
                take(String(decoding: whole.dropLast(2), as: UTF8.self), context)
            }
        }
    }

    // A client that refuses the certificate goes away in the middle.
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func say(_ text: String, _ context: ChannelHandlerContext) {
        if text == "close" { return context.close(promise: nil) }
        guard !text.isEmpty else { return }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
    }

    private func takeData(_ bytes: [UInt8], _ context: ChannelHandlerContext) {
        guard bytes == Array(".\r\n".utf8) else {
            mail.bytes += bytes.first == UInt8(ascii: ".") ? bytes.dropFirst() : bytes[...]
            return
        }
        mode = .commands
        if let scripted = script.answers.first(where: { $0.line == "." }) { return say(scripted.answer, context) }
        (mail.isEncrypted, mail.user) = (isEncrypted, user)
        sink.keep(mail)
        mail = MailSink.Mail()
        // The worst moment: the mail is taken, and nobody hears of it.
        if let answer = sink.answerOnce(to: ".") { return say(answer, context) }
        say("250 2.0.0 queued as 4711\r\n", context)
    }

    private func take(_ text: String, _ context: ChannelHandlerContext) {
        sink.note(text)
        if let answer = sink.answerOnce(to: text) { return say(answer, context) }
        if let scripted = script.answers.first(where: { text.hasPrefix($0.line) }) {
            return say(scripted.answer, context)
        }
        switch mode {
        case .userName:
            (offered, mode) = (Self.decoded(text), .password)
            say("334 UGFzc3dvcmQ6\r\n", context)
        case .password:
            mode = .commands
            evaluate(offered, Self.decoded(text), context)
        case .token: evaluate(token: Self.decoded(text), context)
        case .rejectedToken:
            mode = .commands
            say(text.isEmpty ? "535 5.7.3 Authentication unsuccessful [HOST]\r\n" : "501 an empty line\r\n", context)
        case .commands, .data: obey(text, context)
        }
    }

    private func obey(_ text: String, _ context: ChannelHandlerContext) {
        let words = text.split(separator: " ").map(String.init)
        switch words.first ?? "" {
        case "EHLO": say(abilities, context)
        case "HELO": say("250 sink\r\n", context)
        case "STARTTLS": encrypt(context)
        case "AUTH" where words.count == 3 && words[1] == "PLAIN":
            let parts = Self.decoded(words[2]).split(separator: "\0", omittingEmptySubsequences: false)
            evaluate(parts.count == 3 ? String(parts[1]) : "", parts.count == 3 ? String(parts[2]) : "", context)
        case "AUTH" where words.last == "XOAUTH2":
            mode = .token
            say("334 \r\n", context)
        case "AUTH":
            mode = .userName
            say("334 VXNlcm5hbWU6\r\n", context)
        case "MAIL":
            mail.sender = Self.address(text)
            say("250 ok\r\n", context)
        case "RCPT":
            mail.recipients.append(Self.address(text))
            say("250 ok\r\n", context)
        case "DATA":
            mode = .data
            say("354 go on\r\n", context)
        case "QUIT":
            say("221 bye\r\n", context)
            context.close(promise: nil)
        default: say("502 what?\r\n", context)
        }
    }

    private var abilities: String {
        var lines = ["sink"] + script.abilities
        if case .startTLS = script.encryption, !isEncrypted { lines.append("STARTTLS") }
        if !script.mechanisms.isEmpty { lines.append("AUTH \(script.mechanisms.joined(separator: " "))") }
        return lines.enumerated()
            .map { "250\($0 == lines.count - 1 ? " " : "-")\($1)\r\n" }
            .joined()
    }

    private func encrypt(_ context: ChannelHandlerContext) {
        guard case .startTLS(let tls) = script.encryption else { return say("502 what?\r\n", context) }
        say("220 go on\r\n", context)
        isEncrypted = true
        do {
            try context.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls), position: .first)
        } catch {
            context.close(promise: nil)
        }
    }

    private func evaluate(_ name: String, _ password: String, _ context: ChannelHandlerContext) {
        guard name == script.user, password == script.password else {
            return say("535 \(password) is wrong\r\n", context)
        }
        user = name
        say("235 welcome\r\n", context)
    }

    /// XOAUTH2: a token that is rejected gets a challenge that tells why, and then the reply.
    private func evaluate(token proof: String, _ context: ChannelHandlerContext) {
        let parts = proof.split(separator: "\u{1}", omittingEmptySubsequences: false).map(String.init)
        let token = parts.count == 4 ? parts[1].dropFirst("auth=Bearer ".count) : ""
        let isWellFormed = parts == ["user=\(script.user)", "auth=Bearer \(token)", "", ""]
        guard isWellFormed, script.acceptsToken(String(token)) else {
            mode = .rejectedToken
            let reason = #"{"status":"401","schemes":"bearer","scope":"https://mail.example.com/"}"#
            return say("334 \(Data(reason.utf8).base64EncodedString())\r\n", context)
        }
        (mode, user) = (.commands, script.user)
        say("235 welcome\r\n", context)
    }

    private static func decoded(_ text: String) -> String {
        String(decoding: Data(base64Encoded: text) ?? Data(), as: UTF8.self)
    }

    private static func address(_ line: String) -> String {
        String(line.drop { $0 != "<" }.dropFirst().prefix { $0 != ">" })
    }
}
