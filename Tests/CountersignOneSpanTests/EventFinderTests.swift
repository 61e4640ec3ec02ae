import CountersignCore
import CountersignOneSpan
import Foundation
import Testing

struct EventFinderTests {
    private let finder = EventFinder(reader: OneSpanCallbacks())
    private let optOut = SamplePayload.all.first { $0.name == "PACKAGE_OPT_OUT" }?.body ?? ""
    private let complete = SamplePayload.all.first { $0.name == "PACKAGE_COMPLETE" }?.body ?? ""

    private func find(_ text: String) -> EventFinder.Findings { finder.find(in: Array(text.utf8)) }

    private func bodies(_ findings: EventFinder.Findings) -> [String] {
        findings.events.map { String(decoding: $0.delivery.body, as: UTF8.self) }
    }

    @Test func `a body by itself is found byte for byte`() {
        let findings = find(" \n\(optOut)\n")
        #expect(bodies(findings) == [optOut])
        #expect(findings.events.first?.delivery.origin == .manual)
        #expect(findings.events.first?.isRepaired == false)
        #expect(findings.unreadable.isEmpty)
    }

    @Test(arguments: ["\n", "\r\n", ",", "\n\n", " and then "])
    func `several bodies are found, one a line, in an array and in prose`(divider: String) {
        #expect(bodies(find("[\(optOut)\(divider)\(complete)]")) == [optOut, complete])
        #expect(bodies(find("\u{FEFF}\(optOut)\(divider)\(complete)")) == [optOut, complete])
    }

    @Test func `a body that is there twice is found once`() {
        #expect(bodies(find("\(optOut)\n\(optOut)")) == [optOut])
    }

    @Test(arguments: ["", "Dear sender, nothing is wrong.", #"{"name": "of somebody"}"#, "{}", "{ see below }", "} {"])
    func `what holds no body gives nothing`(text: String) {
        let findings = find(text)
        #expect(findings.events.isEmpty)
        #expect(findings.unreadable.isEmpty)
    }

    @Test func `a body that is cut off or damaged is reported with its line`() {
        let cut = String(optOut.dropLast(20))
        let findings = find("first\n\(cut)\n\(complete)\n{\"packageId\": oops}")
        #expect(bodies(findings) == [complete])
        #expect(findings.unreadable.map(\.line) == [2, 4])
        #expect(findings.unreadable.allSatisfy { !$0.reason.isEmpty })
    }

    @Test func `braces in a signer's words do not end the body`() {
        let body = #"{"name":"PACKAGE_DECLINE","packageId":"p","message":"no } way { \"at all\""}"#
        #expect(bodies(find("It said \(body), sadly")) == [body])
    }

    @Test func `a line that a mail program broke is joined, in prose by a space`() throws {
        let text = """
            > {"name":"PACKAGE_OPT_OUT","sessionUser":"b5381b13-991e-
            > 4179-9f9b-d4e1ec9d06bb","packageId":"J5t=",\u{A0}"message":"the personal
            > info is not correct","createdDate":"2018-06-30T20:16:29.763Z"}
            """
        let found = try #require(find(text).events.first)
        #expect(found.isRepaired)
        #expect(found.delivery.payload["sessionUser"] == "b5381b13-991e-4179-9f9b-d4e1ec9d06bb")
        #expect(found.delivery.payload["message"] == "the personal info is not correct")
    }

    @Test(arguments: ["mail-plain", "mail-html", "mail-forwarded", "mail-attached", "mail-quoted-printable"])
    func `the body in a failure mail is found in each form of it`(name: String) throws {
        let mail = try FailureMail.text(name, body: optOut)
        let findings = find(mail)
        let payloads = findings.events.map(\.delivery.payload)
        #expect(payloads == [try JSON(parsing: optOut)])
        #expect(findings.unreadable.isEmpty)
    }

    @Test(arguments: ["mail-plain", "mail-html", "mail-forwarded", "mail-attached", "mail-quoted-printable"])
    func `a mail that is cut anywhere is read without harm`(name: String) throws {
        let mail = Array(try FailureMail.text(name, body: optOut).utf8)
        for length in stride(from: 0, to: mail.count, by: 7) {
            #expect(finder.find(in: Array(mail.prefix(length))).events.count <= 1)
        }
    }

    @Test func `a flood of braces is discarded`() {
        #expect(find(String(repeating: "{\"", count: 200_000)).events.isEmpty)
        #expect(find(String(repeating: "{", count: 200_000)).events.isEmpty)
    }
}

/// Failure mails as mail programs make them.
private enum FailureMail {
    static func text(_ name: String, body: String) throws -> String {
        switch name {
        case "mail-plain": mail(type: "text/plain; charset=utf-8", encoding: "7bit", words(body))
        case "mail-quoted-printable":
            mail(type: "text/plain; charset=\"utf-8\"", encoding: "quoted-printable", quotedPrintable(words(body)))
        case "mail-html": mail(type: "multipart/alternative; boundary=\"=_a;b\"", encoding: "7bit", alternatives(body))
        case "mail-forwarded":
            mail(type: "text/plain; charset=us-ascii", encoding: "8bit", quoted(words(body)))
        default:
            mail(
                type: "multipart/mixed;\r\n boundary=outer",
                encoding: "7bit",
                """
                --outer\r
                Content-Type: text/plain\r
                \r
                See below, please repeat it.\r
                --outer\r
                Content-Type: message/rfc822\r
                \r
                \(mail(type: "text/plain", encoding: "base64", base64(words(body))))\r
                --outer--\r

                """
            )
        }
    }

    private static func mail(type: String, encoding: String, _ content: String) -> String {
        """
        Return-Path: <notifications@example.com>\r
        Received: from mail.example.com (mail.example.com [192.0.2.1])\r
        \tby mx.example.org; Sat, 30 Jun 2018 20:16:51 +0000\r
        From: OneSpan Sign <notifications@example.com>\r
        To: sender@example.org\r
        Subject: =?utf-8?Q?Callback_failure?=\r
        MIME-Version: 1.0\r
        Content-Type: \(type)\r
        Content-Transfer-Encoding: \(encoding)\r
        \r
        \(content)
        """
    }

    private static func words(_ body: String) -> String {
        "The callback could not be delivered: 503 {Service Unavailable}.\r\n\r\n\(body)\r\n\r\nRegards\r\n"
    }

    private static func quoted(_ text: String) -> String {
        "---------- Forwarded message ----------\r\n"
            + text.split(separator: "\r\n", omittingEmptySubsequences: false).map { "> > \($0)" }
            .joined(separator: "\r\n")
    }

    private static func base64(_ text: String) -> String {
        Data(text.utf8).base64EncodedString(options: [.lineLength76Characters, .endLineWithCarriageReturn])
    }

    private static func quotedPrintable(_ text: String) -> String {
        var lines = ""
        var length = 0
        for byte in text.utf8 {
            let isPlain = (33...126).contains(byte) && byte != UInt8(ascii: "=") || byte == 0x20
            let isBreak = byte == 0x0D || byte == 0x0A
            let piece =
                isPlain || isBreak ? String(UnicodeScalar(byte)) : "=" + String(byte, radix: 16, uppercase: true)
            if length + piece.utf8.count > 70, !isBreak {
                lines += "=\r\n"
                length = 0
            }
            lines += piece
            length = isBreak ? 0 : length + piece.utf8.count
        }
        return lines
    }

    private static func alternatives(_ body: String) -> String {
        let escaped = body.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing("\"", with: "&quot;")
            .replacing(",", with: ",<br>\r\n")
        return """
            --=_a;b\r
            Content-Type: text/html; charset=iso-8859-1\r
            Content-Transfer-Encoding: quoted-printable\r
            \r
            \(quotedPrintable("<html><head><style>p { color: #555 }</style></head><body><p>Failed:</p><p>\(escaped)</p></body></html>"))\r
            --=_a;b--\r

            """
    }
}
