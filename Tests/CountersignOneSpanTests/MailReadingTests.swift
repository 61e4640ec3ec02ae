import CountersignCore
import CountersignOneSpan
import Testing

/// What a mail is read as, whatever its line ends, charset and attachments.
struct MailReadingTests {
    private let finder = EventFinder(reader: OneSpanCallbacks())
    private let optOut = SamplePayload.all.first { $0.name == "PACKAGE_OPT_OUT" }?.body ?? ""

    /// A mail of one text.
    private func mail(_ body: [UInt8], type: String, more: String = "") -> [UInt8] {
        Array("From: a@example.com\nSubject: Fwd\nMIME-Version: 1.0\nContent-Type: \(type)\n\(more)\n".utf8) + body
    }

    private static let broken = """
        From: a@example.com
        Subject: Fwd
        Content-Type: text/plain

        > {"name":"PACKAGE_DECLINE","packageId":"PKG-
        > 1","message":"no
        > way"}

        """

    @Test(arguments: ["\n", "\r\n"])
    func `quote marks are taken off whatever ends the lines`(end: String) throws {
        let found = try #require(finder.find(in: Array(Self.broken.replacing("\n", with: end).utf8)).events.first)
        #expect(found.delivery.payload["packageId"] == "PKG-1")
        #expect(found.delivery.payload["message"] == "no way")
    }

    @Test(
        arguments: [
            ("iso-8859-15", [0x47, 0x65, 0x62, 0xFC, 0x68, 0x72, 0xA4], "Gebühr€"),
            ("ISO-8859-1", [0x47, 0x65, 0x62, 0xFC, 0x68, 0x72], "Gebühr"),
            ("windows-1252", [0x47, 0x65, 0x62, 0xFC, 0x68, 0x72, 0x80], "Gebühr€"),
            ("iso-8859-2", [0xA3, 0xF3, 0x64, 0xBC], "Łódź"),
            ("koi8-r", [0xEF, 0xD4, 0xCB, 0xC1, 0xDA], "Отказ"),
            ("gb2312", [0xBE, 0xDC, 0xBE, 0xF8], "拒绝"),
            ("Shift_JIS", [0x8B, 0x91, 0x94, 0xDB], "拒否"),
            ("big5", [0xA9, 0xDA, 0xB5, 0xB4], "拒絕"),
            ("utf-8", [0xC3, 0xBC], "ü"),
            ("utf-7", [0x2B, 0x41, 0x50, 0x77, 0x2D], "ü"),
        ] as [(String, [UInt8], String)]
    )
    func `a text in a charset that the system knows is the one that was written`(
        charset: String,
        bytes: [UInt8],
        message: String
    ) throws {
        let body = Array(#"{"name":"PACKAGE_DECLINE","packageId":"P","message":""#.utf8) + bytes + Array(#""}"#.utf8)
        let findings = finder.find(in: mail(body, type: "text/plain; charset=\"\(charset)\""))
        #expect(findings.unreadable.isEmpty)
        #expect(findings.events.first?.delivery.payload["message"]?.string == message)
    }

    @Test(arguments: ["x-nonsense", "utf-8", "", "utf-8//TRANSLIT", "iso-8859-1/../x", "ascii"])
    func `characters that cannot be known are refused and not replaced`(charset: String) throws {
        let body =
            Array(#"{"name":"PACKAGE_DECLINE","packageId":"P","message":"Geb"#.utf8) + [0xFC] + Array(#"hr"}"#.utf8)
        let type = charset.isEmpty ? "text/plain" : "text/plain; charset=\"\(charset)\""
        let findings = finder.find(in: mail(body, type: type))
        #expect(findings.events.isEmpty)
        #expect(findings.unreadable.count == 1)
        #expect(findings.unreadable.first?.reason.contains("charset") == true)
        // What is plain ASCII is certain in spite of it.
        let plain = Array(#"{"name":"PACKAGE_DECLINE","packageId":"P"} "#.utf8) + [0xFC]
        #expect(finder.find(in: mail(plain, type: type)).events.count == 1)
    }

    @Test(arguments: [
        ("application/octet-stream; name=event.json", ""), ("application/octet-stream", "event.JSON"),
        ("application/octet-stream", "callbacks.jsonl"), ("application/x-unknown", "body.txt"),
        ("application/vnd.api+json", ""), ("application/json", ""),
    ])
    func `an attachment that is named as a body is looked into`(type: String, name: String) {
        let more = name.isEmpty ? "" : "Content-Disposition: attachment; filename=\"\(name)\"\n"
        #expect(finder.find(in: mail(Array(optOut.utf8), type: type, more: more)).events.count == 1)
    }

    @Test func `an attachment that is something else is not looked into`() {
        let more = "Content-Disposition: attachment; filename=contract.pdf\n"
        #expect(finder.find(in: mail(Array(optOut.utf8), type: "application/pdf", more: more)).events.isEmpty)
    }
}
