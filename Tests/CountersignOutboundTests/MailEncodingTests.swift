import CountersignActions
import CountersignCore
import CountersignOutbound
import CountersignTesting
import Foundation
import Testing

/// How a mail is written.
struct MailEncodingTests {
    private static let date = Date(timeIntervalSince1970: 1_530_389_095)

    private func composed(_ mail: OutgoingMail, key: String = "key-1") throws -> [UInt8] {
        let composer = MailComposer(from: try MailAddress("Countersign <c@example.com>", source: "c"))
        return composer.bytes(of: mail, key: key, at: Self.date)
    }

    private func mail(
        to: [String] = ["ops@example.com"],
        subject: String = "s",
        text: String = "t",
        html: String? = nil
    ) throws -> OutgoingMail {
        OutgoingMail(
            to: try to.map { try MailAddress($0, source: $0) },
            subject: subject,
            text: text,
            html: html
        )
    }

    @Test func `a mail has the headers that mail systems want, and the same id whenever it is sent again`() throws {
        let text = String(decoding: try composed(try mail()), as: UTF8.self)
        #expect(
            text == """
                Date: Sat, 30 Jun 2018 20:04:55 +0000\r
                From: Countersign\r
                 <c@example.com>\r
                To: ops@example.com\r
                Subject: s\r
                Message-ID: <\(digest("key-1"))@example.com>\r
                Auto-Submitted: auto-generated\r
                MIME-Version: 1.0\r
                Content-Type: text/plain; charset=utf-8\r
                Content-Transfer-Encoding: quoted-printable\r
                \r
                t\r

                """
        )
    }

    private func digest(_ key: String) -> String {
        let composer = try? MailComposer(from: MailAddress("c@example.com", source: "c"))
        let id = (try? mail()).flatMap { composer?.messageID(of: $0, key: key) } ?? ""
        return String(id.dropFirst().prefix(32))
    }

    @Test func `another step's mail has another id`() {
        #expect(digest("a").count == 32 && digest("a") == digest("a") && digest("a") != digest("b"))
    }

    static let texts =
        HostileText.all + [
            "Grüße aus Zürich", "日本語の件名はとても長いので折り返しが必要です。そして続きます。", "🙂🙃", "=?utf-8?B?eA==?=",
            "a\n.\nb\n..\n.c", "From here\nto there ", "x\t\n y \n", String(repeating: "word ", count: 60),
        ]

    /// Each line of it is ASCII and short, whatever is in the mail.
    @Test(arguments: texts)
    func `lines are short and of ASCII, and end as they must`(text: String) throws {
        let subject = text.onOneLine.split(separator: " ").joined(separator: " ")
        let mail = try mail(
            to: ["\(String(text.onOneLine.prefix(200))) <a@example.com>"],
            subject: String(subject.prefix(250)),
            text: text,
            html: "<p>\(text)</p>"
        )
        let bytes = try composed(mail)
        #expect(bytes.allSatisfy { (0x20...0x7E).contains($0) || $0 == 0x0D || $0 == 0x0A || $0 == 0x09 })
        let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
        #expect(lines.dropLast().allSatisfy { $0.last == 0x0D && !$0.dropLast().contains(0x0D) })
        #expect(lines.allSatisfy { $0.count <= 79 })
        let head = lines.prefix { $0 != [0x0D] }
        #expect(head.count > 8 && !head.contains { $0.starts(with: "X-Injected".utf8) })
        #expect(lines.last == [])
    }

    /// Python's own reader finds in the mail what was put into it.
    @Test(.timeLimit(.minutes(1)))
    func `Python reads every mail as it was meant`() async throws {
        let folder = try TemporaryFolder()
        var wanted: [JSON] = []
        for (index, text) in Self.texts.enumerated() {
            let subject = String(text.onOneLine.split(separator: " ").joined(separator: " ").prefix(250))
            let name = String(text.onOneLine.split(separator: " ").joined(separator: " ").prefix(40))
            let mail = try mail(
                to: [
                    "\"\(name.replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\" <a@example.com>",
                    "b@example.com",
                ],
                subject: subject,
                text: text,
                html: index % 2 == 0 ? "<p>\(text.htmlEscaped)</p>" : nil
            )
            try Data(composed(mail)).write(to: URL(filePath: "\(folder.path)/\(index).eml"))
            wanted.append([
                "subject": .string(subject), "name": .string(name), "text": .string(text),
                "html": index % 2 == 0 ? .string("<p>\(text.htmlEscaped)</p>") : .null,
            ])
        }
        try Data(JSON.array(wanted).text.utf8).write(to: URL(filePath: folder.path("wanted.json")))
        try Data(Self.reader.utf8).write(to: URL(filePath: folder.path("read.py")))
        let result = try await SystemProcesses()
            .run(ProcessRequest(program: "python3", arguments: ["read.py"], directory: folder.path))
        #expect(result.ending == .exited(0), "\(result.output.text)\(result.errors.text)")
    }

    private static let reader = """
        import json
        from email import policy
        from email.parser import BytesParser

        def lines(text):
            return text.replace("\\r\\n", "\\n").removesuffix("\\n")

        for index, wanted in enumerate(json.load(open("wanted.json"))):
            mail = BytesParser(policy=policy.default).parse(open(f"{index}.eml", "rb"))
            assert not mail.defects, (index, mail.defects)
            assert mail["subject"] == wanted["subject"], (index, mail["subject"], wanted["subject"])
            to = mail["to"].addresses
            assert [a.addr_spec for a in to] == ["a@example.com", "b@example.com"], (index, mail["to"])
            # Python leaves a space between the encoded words of a name (RFC 2047, section 6.2, has none).
            names = ["".join(name.split()) for name in (to[0].display_name, wanted["name"])]
            assert names[0] == names[1], (index, names)
            assert mail["bcc"] is None and mail["x-injected"] is None
            assert mail["auto-submitted"] == "auto-generated"
            assert mail["date"].datetime.isoformat() == "2018-06-30T20:04:55+00:00"
            plain = mail.get_body(("plain",)).get_content()
            assert lines(plain) == lines(wanted["text"]), (index, plain[:200], wanted["text"][:200])
            if wanted["html"] is None:
                assert mail.get_content_type() == "text/plain"
            else:
                assert mail.get_content_type() == "multipart/alternative"
                html = mail.get_body(("html",)).get_content()
                assert lines(html) == lines(wanted["html"]), index
        """
}
