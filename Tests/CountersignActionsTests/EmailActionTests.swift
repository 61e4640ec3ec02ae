import CountersignActions
import CountersignCore
import CountersignOutbound
import CountersignTesting
import Foundation
import NIOCore
import NIOSSL
import Testing

/// The `email` step against a mail server in this process.
@Suite(.timeLimit(.minutes(1)))
struct EmailActionTests {
    private static let resolver = KnownNames(names: ["mail.internal": ["127.0.0.1"], "other.internal": ["127.0.0.1"]])

    private func sender(
        _ port: Int,
        security: MailServer.Security = .none,
        host: String = "mail.internal",
        trusting roots: [NIOSSLCertificate] = [],
        to: [String] = [],
        login: MailServer.Login? = nil,
        hello: String? = nil,
        patience: Duration = .seconds(20)
    ) throws -> SMTPSender {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.additionalTrustRoots = [.certificates(roots)]
        let server = MailServer(
            host: host,
            port: port,
            security: security,
            hello: hello,
            from: try MailAddress("Countersign <c@example.com>", source: "from"),
            to: try to.map { try MailAddress($0, source: $0) },
            authentication: login.map { login in .password { () throws(StepFailure) in login } } ?? .none
        )
        return SMTPSender(server: server, resolver: Self.resolver, tls: tls, patience: patience)
    }

    private func options(_ more: [String: OptionValue] = [:]) throws -> [String: OptionValue] {
        [
            "to": try .parsedList("ops@example.com"), "subject": try .parsed("Opt-out: ${event.message}"),
            "text": try .parsed("Reason: ${event.message}"),
        ]
        .merging(more) { $1 }
    }

    private func failure(_ sender: SMTPSender, _ more: [String: OptionValue] = [:]) async throws -> StepFailure {
        let failure = try await World(mail: sender).failure("email", options(more))
        return try #require(failure)
    }

    // MARK: A mail arrives

    @Test func `a mail arrives with its envelope, and the outputs tell what became of it`() async throws {
        try await MailSink.with { sink in
            let world = try World(mail: try sender(sink.port))
            let more: [String: OptionValue] = [
                "to": try .parsedList("Ops <ops@example.com>", "${event.sessionUser}@example.com"),
                "cc": try .parsedList("cc@example.com"), "bcc": try .parsedList("hidden@example.com", "cc@example.com"),
                "html": try .parsed("<b>${event.message}</b>"),
            ]
            let outputs = try await world.run("email", options(more), event: .sample(message: "<no>"))
            let mail = try #require(sink.mails.first)
            #expect(sink.mails.count == 1)
            #expect(mail.sender == "c@example.com")
            #expect(
                mail.recipients
                    == ["ops@example.com", "18EZDL44xgsX@example.com", "cc@example.com", "hidden@example.com"]
            )
            #expect(!mail.text.contains("hidden"))
            #expect(mail.text.contains("Subject: Opt-out: <no>\r\n"))
            #expect(mail.text.contains("Reason: <no>") && mail.text.contains("<b>&lt;no&gt;</b>"))
            #expect(outputs["accepted"]?.array?.count == 4)
            #expect(outputs["refused"] == [:] && outputs["reply"] == "250 2.0.0 queued as 4711")
            #expect(mail.text.contains("Message-ID: \(outputs["message_id"]?.string ?? "?")\r\n"))
            #expect(sink.lines.last == "QUIT" || sink.lines.last == "DATA")
        }
    }

    @Test func `a mail that names nobody goes to those of the settings, and to nobody without them`() async throws {
        try await MailSink.with { sink in
            let options = try options().filter { $0.key != "to" }
            _ = try await World(mail: try sender(sink.port, to: ["all@example.com"])).run("email", options)
            #expect(sink.mails.first?.recipients == ["all@example.com"])
            let failure = try await World(mail: try sender(sink.port)).failure("email", options)
            #expect(failure?.reason.contains("set 'mail.to'") == true && failure?.isWorthRetrying == false)
        }
    }

    @Test func `without a mail server the step says which setting to set`() async throws {
        let failure = try await World().failure("email", options())
        #expect(failure?.reason.contains("set 'mail.server'") == true && failure?.isWorthRetrying == false)
    }

    @Test func `a plan shows the whole mail, and a subject is one line`() async throws {
        let more = ["html": try OptionValue.parsed("<p>${event.message}</p>")]
        let message = "a\r\nBcc: evil@example.com\r\n\r\n<script>"
        let step = try await World().prepare("email", options(more), event: .sample(message: message))
        #expect(step.destination == "the mail server")
        #expect(
            step.plan == [
                "to": ["ops@example.com"], "subject": "Opt-out: a Bcc: evil@example.com <script>",
                "text": "Reason: a\nBcc: evil@example.com\n\n<script>",
                "html": "<p>a\nBcc: evil@example.com\n\n&lt;script&gt;</p>",
            ]
        )
    }

    @Test(arguments: ["a@b\r\nRCPT TO: evil@example.com", "a@b, evil@example.com", "", "x> <y"])
    func `an address that a value spoils fails the step for good`(message: String) async throws {
        let more = ["to": try OptionValue.parsedList("${event.message}")]
        let failure = try await World().failure("email", options(more), event: .sample(message: message))
        #expect(failure?.isWorthRetrying == false && failure?.reason.contains("is not an email address") == true)
    }

    // MARK: Encryption and login

    @Test(arguments: [["PLAIN", "LOGIN"], ["LOGIN"], ["CRAM-MD5", "PLAIN"]])
    func `a mail goes over STARTTLS with a login`(mechanisms: [String]) async throws {
        let certificate = try await TestCertificate.make(for: "mail.internal")
        var script = MailSink.Script()
        script.encryption = .startTLS(try certificate.serverContext)
        script.mechanisms = mechanisms
        try await MailSink.with(script) { sink in
            let sender = try sender(
                sink.port,
                security: .startTLS,
                trusting: certificate.chain,
                login: .init(user: "mailer", password: "pass word")
            )
            try await sender.probe()
            #expect(sink.mails.isEmpty)
            _ = try await World(mail: sender).run("email", options())
            #expect(sink.mails.map(\.isEncrypted) == [true] && sink.mails.map(\.user) == ["mailer"])
        }
    }

    @Test func `a mail goes over TLS from the first byte`() async throws {
        let certificate = try await TestCertificate.make(for: "mail.internal")
        var script = MailSink.Script()
        script.encryption = .implicit(try certificate.serverContext)
        try await MailSink.with(script) { sink in
            let sender = try sender(sink.port, security: .tls, trusting: certificate.chain)
            _ = try await World(mail: sender).run("email", options())
            #expect(sink.mails.map(\.isEncrypted) == [true])
        }
    }

    @Test func `a server that does not offer STARTTLS gets neither login nor mail`() async throws {
        try await MailSink.with { sink in
            let login = MailServer.Login(user: "mailer", password: "pass word")
            let failure = try await failure(try sender(sink.port, security: .startTLS, login: login))
            #expect(failure.reason.contains("does not offer STARTTLS, so nothing was sent"))
            #expect(sink.lines.allSatisfy { $0.hasPrefix("EHLO") } && sink.mails.isEmpty)
        }
    }

    @Test(arguments: [
        (MailServer.Security.startTLS, "other.internal", true, "for another name"),
        (.tls, "other.internal", true, "for another name"), (.startTLS, "mail.internal", false, "'http.ca_file'"),
        (.tls, "mail.internal", false, "'http.ca_file'"),
    ])
    func `a certificate that is not right gets neither login nor mail`(
        security: MailServer.Security,
        host: String,
        isTrusted: Bool,
        words: String
    ) async throws {
        let certificate = try await TestCertificate.make(for: "mail.internal")
        var script = MailSink.Script()
        script.encryption =
            security == .tls ? .implicit(try certificate.serverContext) : .startTLS(try certificate.serverContext)
        try await MailSink.with(script) { sink in
            let sender = try sender(
                sink.port,
                security: security,
                host: host,
                trusting: isTrusted ? certificate.chain : [],
                login: .init(user: "mailer", password: "pass word")
            )
            let failure = try await failure(sender)
            #expect(failure.reason.contains(words), "\(failure.reason)")
            #expect(sink.mails.isEmpty && !sink.lines.contains { $0.hasPrefix("AUTH") })
        }
    }

    @Test func `what is sent unencrypted after the reply to STARTTLS is not read as sent over TLS`() async throws {
        var script = MailSink.Script()
        script.abilities.append("STARTTLS")
        script.answers = [("STARTTLS", "220 go on\r\n250-evil\r\n250 AUTH PLAIN\r\n")]
        try await MailSink.with(script) { sink in
            let login = MailServer.Login(user: "mailer", password: "pass word")
            let failure = try await failure(try sender(sink.port, security: .startTLS, login: login))
            #expect(failure.reason.contains("unexpected reply"), "\(failure.reason)")
            #expect(!sink.lines.contains { $0.hasPrefix("AUTH") })
        }
    }

    @Test func `a server that speaks no TLS from the first byte is reported as such`() async throws {
        try await MailSink.with { sink in
            let failure = try await failure(try sender(sink.port, security: .tls))
            #expect(failure.reason.contains("set 'mail.security: starttls'"), "\(failure.reason)")
        }
    }

    @Test func `a login that is refused is reported without what the server repeats of it`() async throws {
        let certificate = try await TestCertificate.make(for: "mail.internal")
        var script = MailSink.Script()
        script.encryption = .startTLS(try certificate.serverContext)
        try await MailSink.with(script) { sink in
            let login = MailServer.Login(user: "mailer", password: "wrong-secret")
            let sender = try sender(sink.port, security: .startTLS, trusting: certificate.chain, login: login)
            let failure = try await failure(sender)
            #expect(
                !failure.isWorthRetrying && failure.reason.contains("rejected the credentials of 'mail.user' (535)")
            )
            #expect(!failure.reason.contains("wrong-secret"))
            #expect(failure.output == ["reply_code": 535])
        }
    }

    @Test func `a server of the internet gets nothing in the open`() async throws {
        let server = MailServer(
            host: "192.0.2.1",
            port: 25,
            security: .none,
            from: try MailAddress("c@example.com", source: "c")
        )
        let failure = try await failure(SMTPSender(server: server))
        #expect(failure.reason.contains("is only for your own network") && !failure.isWorthRetrying)
    }

    // MARK: What servers say

    @Test(arguments: [
        ("EHLO", "421 too busy\r\n", true, true), ("MAIL", "451 later\r\n", true, false),
        ("MAIL", "550 no\r\n", false, false), ("RCPT", "450 greylisted\r\n", true, false),
        ("RCPT", "550 5.1.1 unknown\r\n", false, false), ("DATA", "554 no\r\n", false, false),
        (".", "452 full\r\n", true, false), (".", "552 spam\r\n", false, false), ("EHLO", "close", true, true),
        ("EHLO", "banana\r\n", true, true), (".", "close", true, true), ("RCPT", "250-x\r\n550 y\r\n", true, true),
    ])
    func `a no with four hundred is for now, and with five hundred for good`(
        line: String,
        answer: String,
        isWorthRetrying: Bool,
        isOutage: Bool
    ) async throws {
        var script = MailSink.Script()
        script.answers = [(line, answer)]
        try await MailSink.with(script) { sink in
            let failure = try await failure(try sender(sink.port))
            #expect(failure.isWorthRetrying == isWorthRetrying, "\(failure.reason)")
            #expect(failure.isOutage == isOutage, "\(failure.reason)")
            #expect(failure.reason.contains("the mail server 'mail.internal:\(sink.port)'"))
            if line == "RCPT", answer.hasPrefix("550") {
                #expect(failure.reason.contains("the recipient ops@example.com"))
            }
        }
    }

    @Test(arguments: ["500 what?", "501 no", "502 5.5.1 not implemented", "504 no"])
    func `a server that does not know EHLO is greeted in the older way`(answer: String) async throws {
        var script = MailSink.Script()
        script.answers = [("EHLO", answer + "\r\n")]
        try await MailSink.with(script) { sink in
            let world = try World(mail: try sender(sink.port, hello: "app.example.com"))
            _ = try await world.run("email", options())
            #expect(sink.mails.count == 1)
            #expect(sink.lines.prefix(2) == ["EHLO app.example.com", "HELO app.example.com"])
        }
    }

    @Test func `for a server that accepts neither name, the error says what to set`() async throws {
        var script = MailSink.Script()
        script.answers = [("EHLO", "504 need a full name\r\n"), ("HELO", "504 need a full name\r\n")]
        try await MailSink.with(script) { sink in
            let failure = try await failure(try sender(sink.port))
            #expect(failure.reason.contains("'mail.hello' sets another one") && !failure.isWorthRetrying)
        }
    }

    @Test func `a server without EHLO does not offer STARTTLS, and nothing is sent where it is wanted`() async throws {
        var script = MailSink.Script()
        script.answers = [("EHLO", "502 no\r\n")]
        try await MailSink.with(script) { sink in
            let failure = try await failure(try sender(sink.port, security: .startTLS))
            #expect(failure.reason.contains("does not offer STARTTLS") && sink.mails.isEmpty)
        }
    }

    @Test(
        arguments: [
            ("app.example.com", "[192.0.2.1]", "app.example.com"), ("app", "[192.0.2.1]", "[192.0.2.1]"),
            ("app", "[IPv6:2001:db8::1]", "[IPv6:2001:db8::1]"),
            ("under_score.example.com", "[192.0.2.1]", "[192.0.2.1]"),
            ("192.0.2.7", "[192.0.2.1]", "[192.0.2.1]"), ("app.", "[192.0.2.1]", "[192.0.2.1]"),
            ("app", nil, "[127.0.0.1]"),
            (nil, "[192.0.2.1]", "[192.0.2.1]"), ("-a.example.com", "[192.0.2.1]", "[192.0.2.1]"),
        ] as [(String?, String?, String)]
    )
    func `a machine without a full name gives its address`(hostName: String?, address: String?, name: String) {
        #expect(MailServer.greetingName(hostName: hostName, localAddress: address) == name)
    }

    @Test(arguments: [
        ("app.example.com", true), ("[192.0.2.1]", true), ("[IPv6:2001:db8::1]", true), ("app", false),
        ("192.0.2.1", false),
        ("[2001:db8::1]", false), ("[IPv6:192.0.2.1]", false), ("[app.example.com]", false), ("a b.example.com", false),
        ("a.example.com\r\nRSET", false), ("", false), ("*.example.com", false),
    ])
    func `a name for EHLO is a full domain or an address in brackets`(name: String, isRight: Bool) {
        #expect(MailServer.isGreetingName(name) == isRight)
    }

    @Test func `a mail goes to those whom the server takes it for, and the others are reported`() async throws {
        var script = MailSink.Script()
        script.answers = [("RCPT TO:<gone@", "550 5.1.1 unknown\r\n")]
        try await MailSink.with(script) { sink in
            let world = try World(mail: try sender(sink.port))
            let more = ["to": try OptionValue.parsedList("gone@example.com", "ops@example.com")]
            let outputs = try await world.run("email", options(more))
            #expect(sink.mails.map(\.recipients) == [["ops@example.com"]])
            #expect(outputs["refused"] == ["gone@example.com": "550 5.1.1 unknown"])
            #expect(world.lines.all.contains { $0.contains("Mail server rejected a recipient") })
        }
    }

    @Test func `a mail that is larger than the server takes is not sent`() async throws {
        var script = MailSink.Script()
        script.abilities = ["SIZE 100"]
        try await MailSink.with(script) { sink in
            let failure = try await failure(try sender(sink.port))
            #expect(failure.reason.contains("takes 100 at most") && !failure.isWorthRetrying)
            #expect(!sink.lines.contains { $0.hasPrefix("MAIL") })
        }
    }

    @Test(arguments: [
        String(repeating: "250-x\r\n", count: 200) + "250 x\r\n",
        "250 " + String(repeating: "x", count: 10_000) + "\r\n",
    ])
    func `a reply without end is not read to its end`(answer: String) async throws {
        var script = MailSink.Script()
        script.answers = [("EHLO", answer)]
        try await MailSink.with(script) { sink in
            let failure = try await failure(try sender(sink.port))
            #expect(failure.reason.contains("an oversized reply") && failure.isWorthRetrying)
        }
    }

    @Test func `a server that says nothing is left after a while`() async throws {
        var script = MailSink.Script()
        script.greeting = ""
        try await MailSink.with(script) { sink in
            let failure = try await failure(try sender(sink.port, patience: .milliseconds(50)))
            #expect(failure.reason.contains("no answer within 50ms") && failure.isOutage)
        }
    }

    @Test func `cancelling ends an exchange with a silent server`() async throws {
        var script = MailSink.Script()
        script.answers = [("MAIL", "")]
        try await MailSink.with(script) { sink in
            let world = try World(mail: try sender(sink.port))
            let options = try options()
            let task = Task { await world.failure("email", options) }
            while !sink.lines.contains(where: { $0.hasPrefix("MAIL") }) { await Task.yield() }
            task.cancel()
            #expect(await task.value?.reason.contains("was canceled before it finished") == true)
        }
    }

    @Test func `a name of the internet that leads to an inner address is refused, with what to set`() async throws {
        let server = MailServer(
            host: "mail.example.com",
            port: 25,
            security: .startTLS,
            from: try MailAddress("c@example.com", source: "c")
        )
        let names = KnownNames(names: ["mail.example.com": ["10.0.0.1"]])
        let failure = try await failure(SMTPSender(server: server, resolver: names))
        #expect(failure.reason.contains("allow_hosts: [mail.example.com]") && !failure.isWorthRetrying)
    }
}
