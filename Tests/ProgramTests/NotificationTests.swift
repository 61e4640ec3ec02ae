import CountersignCore
import CountersignTesting
import Foundation
import NIOSSL
import Subprocess
import Testing

/// Mail and chat as the whole program sends them.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct NotificationTests {
    private static let hook = "/hooks/xen8y1rbp7dy8e7qfe5o4znjgr"
    private static let hostile =
        "@all <!channel>\r\nBcc: evil@example.com\r\n\r\n</td><script>x</script> [x](http://evil)"

    /// Has OpenSSL's command make a certificate for `localhost` that signs itself, as an operator would.
    func certificate(in deployment: Deployment) async throws -> NIOSSLContext {
        let (key, chain) = (deployment.path("mail-key.pem"), deployment.path("mail-cert.pem"))
        let result = try await Subprocess.run(
            .name("openssl"),
            arguments: [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key,
                "-out", chain, "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
            ],
            output: .discarded,
            error: .discarded
        )
        #expect(result.terminationStatus.isSuccess)
        let configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMFile(chain).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: key, format: .pem))
        )
        return try NIOSSLContext(configuration: configuration)
    }

    func settings(port: Int, _ more: String = "") -> String {
        """
        mail:
          server: localhost:\(port)
          from: Countersign <countersign@example.com>
          to: ["Ops, by night <ops@example.com>", legal@example.com]
        \(more)
        """
    }

    @Test func `an opt-out reaches people by mail and in the chat, and shows there as it was typed`() async throws {
        let deployment = try Deployment(rules: nil)
        var script = MailSink.Script()
        script.encryption = .startTLS(try await certificate(in: deployment))
        try await MailSink.with(script) { sink in
            try await Receiver.listen { receiver in
                let more = "  user: mailer\nhttp: { ca_file: mail-cert.pem }"
                try deployment.write(settings(port: sink.port, more), to: "countersign.yaml")
                let secrets = [
                    "OPS_CHAT_URL": "http://127.0.0.1:\(receiver.port)\(Self.hook)", "MAIL_PASSWORD": "pass word",
                ]
                let (_, log) = try await deployment.serve(environment: secrets) { server in
                    try await server.post(event("PACKAGE_OPT_OUT", message: Self.hostile))
                    await sink.wait()
                    try await eventually("the post to the chat") { !receiver.bodies.isEmpty }
                    let runs = try await deployment.settledRuns(events: 2)
                    #expect(runs.allSatisfy { $0["state"] == "succeeded" }, "\(runs)")
                }
                let mail = try #require(sink.mails.first)
                #expect(sink.mails.count == 1)
                #expect(mail.isEncrypted && mail.user == "mailer")
                #expect(mail.sender == "countersign@example.com")
                #expect(mail.recipients == ["ops@example.com", "legal@example.com"])
                let head = mail.text.split(separator: "\r\n\r\n").first ?? ""
                #expect(head.contains("\r\nSubject: A signer opted out of package p-1\r\n"))
                #expect(!head.contains("Bcc"))
                let post = try JSON(parsing: try #require(receiver.bodies.first))
                let text = post["attachments"]?.array?.first?["text"]?.string ?? ""
                #expect(text.hasPrefix("Reason: @\u{200B}all <\u{200B}\\!channel\\>\nBcc"))
                #expect(text.contains(#"\[x\]\(http:"# + "\u{200B}" + #"//evil\)"#))
                for secret in ["pass word", Self.hook] { #expect(!log.text.contains(secret)) }
                for run in 1...6 {
                    let shown = try await deployment.run("runs", "show", "\(run)")
                    for secret in ["pass word", Self.hook] { #expect(!shown.output.contains(secret)) }
                }
            }
        }
    }

    @Test func `a dry run shows mail and chat, and no secret`() async throws {
        let settings = settings(port: 1, "  security: none")
        let deployment = try Deployment(
            rules: nil,
            settings: settings,
            environment: ["OPS_CHAT_URL": "https://hooks.slack.com/services/very/secret"]
        )
        let alert = #"{"name": "X_ALERT", "title": "Look", "text": "no", "packageId": "A"}"#
        let outcome = try await deployment.run("dry-run", "--json", "-", input: alert)
        let steps = try outcome.json.first?["rules"]?.array?.flatMap { $0["steps"]?.array ?? [] } ?? []
        let plans = steps.reduce(into: [String: JSON]()) { $0[$1["action"]?.string ?? ""] = $1["plan"] }
        #expect(plans["email"]?["subject"] == "Look")
        #expect(plans["chat"]?["url"] == "•••" && plans["chat"]?["title"] == "Look")
        #expect(!outcome.output.contains("very/secret"))
    }

    @Test func `where neither is configured nobody is reported, and an opt-out is an alert all the same`() async throws
    {
        let deployment = try Deployment(rules: nil)
        let (_, log) = try await deployment.serve { server in
            try await server.post(event("PACKAGE_OPT_OUT", message: "no"))
            let runs = try await deployment.settledRuns()
            #expect(Set(runs.map { $0["rule"] }) == ["opt-out-alert", "journal"])
            #expect(runs.allSatisfy { $0["state"] == "succeeded" })
        }
        #expect(!log.text.contains("Secret missing"))
    }

    @Test func `a recipient that nobody knows fails the run for good, and doctor asks the server`() async throws {
        var script = MailSink.Script()
        script.answers = [("RCPT", "550 5.1.1 unknown\r\n")]
        try await MailSink.with(script) { sink in
            let rules = """
                rules:
                  - id: mail
                    when: { event: PACKAGE_COMPLETE }
                    then: [{ email: { to: gone@example.com, subject: s, text: t } }]
                """
            let settings = settings(port: sink.port, "  security: none")
            let deployment = try Deployment(rules: rules, settings: settings)
            try await deployment.serve { server in
                try await server.post(event())
                try await eventually("the end of the run") {
                    try await deployment.show(run: 1)["state"] == "failed"
                }
                let step = try await deployment.show(run: 1)["steps"]?.array?.last
                #expect(step?["reason"]?.string?.contains("the recipient gone@example.com: 550 5.1.1 unknown") == true)
                let doctor = try await deployment.run("doctor")
                #expect(doctor.output.contains("'localhost:\(sink.port)' requires no authentication; nothing was sent"))
            }
            #expect(sink.mails.isEmpty)
        }
    }

    @Test func `a mail is tried again, and is the same mail where the server took it before it went away`() async throws
    {
        var script = MailSink.Script()
        script.answersOnce = [("MAIL", "451 4.7.1 later\r\n"), (".", "close")]
        try await MailSink.with(script) { sink in
            let rules = """
                rules:
                  - id: mail
                    when: { event: PACKAGE_COMPLETE }
                    then:
                      - email: { subject: s, text: t }
                        retry: { first: 1ms }
                """
            let deployment = try Deployment(rules: rules, settings: settings(port: sink.port, "  security: none"))
            try await deployment.serve { server in
                try await server.post(event())
                let runs = try await deployment.settledRuns()
                #expect(runs.map { $0["state"] } == ["succeeded"])
                let attempts = try await deployment.show(run: 1).attempts
                #expect(attempts == ["email failed", "email failed", "email succeeded"])
            }
            let ids = sink.mails.compactMap { mail in
                mail.text.split(separator: "\r\n").first { $0.hasPrefix("Message-ID: ") }
            }
            #expect(ids.count == 2 && Set(ids).count == 1)
        }
    }

    @Test(arguments: [
        ("to: [a@example.com]", "'mail.to' needs 'mail.server'"),
        ("server: smtp.example.com:587", "'mail.server' needs 'mail.from'"),
        ("server: smtp.example.com\n  from: a@example.com", "'mail.server' must be HOST:PORT"),
        ("server: 169.254.169.254:25\n  from: a@example.com", "'mail.server' cannot be used"),
        ("server: h:25\n  from: nobody", "'mail.from': 'nobody' is not an email address"),
        (
            "server: h:25\n  from: a@example.com\n  security: none\n  user: u",
            "'mail.user' would be sent unencrypted"
        ),
    ])
    func `settings that cannot be used end the start with 2 and a sentence`(mail: String, words: String) async throws {
        let deployment = try Deployment(rules: nil, settings: "mail:\n  \(mail)\n")
        let outcome = try await deployment.run("serve")
        #expect(outcome.status == .exited(2))
        #expect(outcome.errors.contains(words), "\(outcome.errors)")
    }
}
