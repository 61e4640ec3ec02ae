import CountersignCore
import Testing

/// What a signer types shows as it is, whatever its characters mean to the chat or the mail.
struct MarkupTests {
    private func text(_ template: String, _ message: String, _ markup: Markup) throws -> String {
        let payload: JSON = ["name": "X", "message": .string(message)]
        return try Template(parsing: template).text(in: .test(payload), for: .message(markup))
    }

    /// `·` means a space of no width, which nobody could see here.
    private func seen(_ text: String) -> String { text.replacing("\u{200B}", with: "·") }

    @Test(arguments: [
        ("<!channel>", "&lt;!channel&gt;"), ("<@U123>", "&lt;@U123&gt;"), ("<#C1|x>", "&lt;#C1|x&gt;"),
        ("<http://evil|bank>", "&lt;http://evil|bank&gt;"), ("&lt;", "&amp;lt;"),
        ("*bold* _it_ ~no~ `x`", "·*·bold·*· ·_·it·_· ·~·no·~· ·`·x·`·"), ("a_b*c", "a_b*c"),
        ("> quote", "·&gt; quote"), ("a > b", "a &gt; b"), ("no\n> quote", "no\n·&gt; quote"),
        ("@here @all", "@here @all"), ("J5tyJalzG49hmDho5b9JdG61T7M=", "J5tyJalzG49hmDho5b9JdG61T7M="),
    ])
    func `Slack shows a value as it is`(message: String, encoded: String) throws {
        #expect(seen(try text("${event.message}", message, .slack)) == encoded)
    }

    @Test(arguments: [
        ("[x](http://evil)", #"\[x\](http:·//evil)"#), ("see https://evil.example", "see https:·//evil.example"),
        ("WWW.evil.example", "WWW.·evil.example"), ("mailto:a@evil.example", "mailto:·a@·evil.example"),
        ("at 10:30: no", "at 10:30: no"), ("**b** _i_", #"\*\*b\*\* \_i\_"#),
        ("<at>all</at>", #"\<at\>all\</at\>"#),
        ("{{DATE(2017-02-14T06:08:39Z)}}", #"\{\{DATE(2017-02-14T06:08:39Z)\}\}"#),
        ("# big", "·# big"), ("- a\n1. b", "·- a\n·1. b"), ("2018-06-30", "2018-06-30"), ("    code", "·    code"),
        ("a\\b", #"a\\b"#), ("a\n===", "a\n·==="), ("&lt;", #"\&lt;"#),
    ])
    func `Teams shows a value as it is`(message: String, encoded: String) throws {
        #expect(seen(try text("${event.message}", message, .teams)) == encoded)
    }

    @Test(arguments: [
        ("@all", "@·all"), ("hi @channel and (@here)", #"hi @·channel and \(@·here\)"#),
        ("joe@corp.com", "joe@·corp.com"), ("ftp://evil", "ftp:·//evil"), ("www.evil.example", "www.·evil.example"),
        ("a.@all", "a.@·all"), ("_@all", #"\_@·all"#), ("<!channel>", #"<·\!channel\>"#),
        ("<http://evil|bank>", #"<·http:·//evil\|bank\>"#),
        ("[x](http://evil)", #"\[x\]\(http:·//evil\)"#),
        ("![i](http://evil/x.png)", #"\!\[i\]\(http:·//evil/x.png\)"#), ("#tag", "·#·tag"),
        ("a~~b~~c", #"a\~\~b\~\~c"#),
        ("&commat;all", "&·commat;all"), ("```\ncode", #"\`\`\`"# + "\ncode"),
    ])
    func `Mattermost shows a value as it is, and calls nobody`(message: String, encoded: String) throws {
        #expect(seen(try text("${event.message}", message, .mattermost)) == encoded)
    }

    @Test(arguments: [
        ("</td><script>alert(1)</script>", "&lt;/td&gt;&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("\" onmouseover='x'", "&quot; onmouseover=&#39;x&#39;"), ("&amp;", "&amp;amp;"),
    ])
    func `HTML shows a value as it is`(message: String, encoded: String) throws {
        #expect(try text("<p>${event.message}</p>", message, .html) == "<p>\(encoded)</p>")
    }

    @Test(arguments: Markup.allCases)
    func `controls and what turns the direction do not come through`(markup: Markup) throws {
        let shown = try text("${event.message}", "a\0b\u{1B}[2J\u{202E}c\u{2066}d\r\ne\rf\u{2028}g", markup)
        #expect(shown.filter { $0 != "\\" } == "a\u{FFFD}b\u{FFFD}[2J\u{FFFD}c\u{FFFD}d\ne\nf\ng")
        #expect(try text("${event.message}", "שלום 🙂 e\u{301}", markup) == "שלום 🙂 e\u{301}")
    }

    @Test(arguments: Markup.allCases)
    func `what the author writes is unchanged`(markup: Markup) throws {
        let written = "*b* <!here> [x](http://y) @all `c`"
        #expect(try text(written + "${event.message}", "", markup) == written)
    }

    @Test(arguments: [
        ("<p>${event.message}</p>", true), ("${event.message}", true), ("a < b ${event.message}", true),
        ("<br/>${event.message}", true), ("<!-- x -->${event.message}", true),
        ("<style>p { }</style>${event.message}", true), ("<a href=\"https://h/${event.message}\">x</a>", true),
        ("<a class='x' href='http://h?q=${event.message}'>", true), ("<p>it's</p> ${event.message}", true),
        ("<a href=\"${event.message}\">", false), ("<a href=\"https://${event.message}\">", false),
        ("<a href=\"javascript:${event.message}\">", false), ("<a href=https://h/${event.message}>", false),
        ("<p ${event.message}>", false), ("<p title=\"${event.message}\">", false), ("<${event.message}>", false),
        ("<script>${event.message}</script>", false), ("<style>${event.message}</style>", false),
        ("<!-- ${event.message} -->", false), ("<STYLE>a</style ><style>${event.message}", false),
    ])
    func `a value in HTML is in the text or in a link behind its host`(template: String, isAllowed: Bool) throws {
        let template = try Template(parsing: template)
        #expect((EncodingContext.message(.html).problem(of: template) == nil) == isAllowed)
    }

    @Test func `in a link a value is one segment`() throws {
        let html = try text("<a href=\"https://h/p/${event.message}\">x</a>", "../\"><b>", .html)
        #expect(html == "<a href=\"https://h/p/..%2F%22%3E%3Cb%3E\">x</a>")
    }

    @Test func `a secret may not be told to people`() throws {
        let template = try Template(parsing: "${secret:KEY}")
        for place in [EncodingContext.message(.plain), .message(.html), .mailHeader, .mailAddress] {
            #expect(place.problem(of: template) != nil)
        }
    }
}

/// Addresses of mail: one, and nothing that a header or a server would read otherwise.
struct MailAddressTests {
    @Test(arguments: [
        ("ops@example.com", nil, "ops@example.com"), ("Ops <ops@example.com>", "Ops", "ops@example.com"),
        ("\"Doe, \\\"J\\\"\" <j.d+x@a-b.example>", "Doe, \"J\"", "j.d+x@a-b.example"),
        ("Jörg Müller <j@example.com>", "Jörg Müller", "j@example.com"), (" a@b ", nil, "a@b"), ("<a@b>", nil, "a@b"),
        ("evil <evil@x> <real@y>", "evil <evil@x>", "real@y"),
    ])
    func `an address is read with its name`(text: String, name: String?, address: String) throws {
        let read = try MailAddress(text, source: text)
        #expect(read.name == name && read.address == address)
    }

    @Test(arguments: [
        "", "ops", "a@b, c@d", "a@b;c@d", "a@b c@d", "a@@b", "@b", "a@", "a@b>", "a b@c", "a@b..c", ".a@b",
        "a@b\r\nRCPT TO:<x@y>",
        "a@b>\r\nDATA", "jörg@example.com", "a@müller.example", "a\0@b", "<a@b> x", "a@[127.0.0.1]",
        String(repeating: "x", count: 65) + "@b",
    ])
    func `what is not one address is refused`(text: String) {
        let failure = #expect(throws: StepFailure.self) { try MailAddress(text, source: "${event.message}") }
        #expect(failure?.isWorthRetrying == false)
        #expect(failure?.reason.hasPrefix("'${event.message}' is not an email address: ") == true)
    }

    @Test func `a line end in a value becomes a space`() throws {
        let payload: JSON = ["name": "X", "message": "a\r\nBcc: x@y\u{2028}z\u{202E}"]
        let text = try Template(parsing: "Re: ${event.message}").text(in: .test(payload), for: .mailHeader)
        #expect(text == "Re: a  Bcc: x@y z ")
    }
}
