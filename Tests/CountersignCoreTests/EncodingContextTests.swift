import CountersignCore
import Testing

/// The place decides the encoding, never the author.
struct EncodingContextTests {
    private func text(_ template: String, message: JSON?, at place: EncodingContext) throws -> String {
        var payload = JSONObject([.init(key: "name", value: "X")])
        payload["message"] = message
        return try Template(parsing: template).text(in: .test(.object(payload)), for: place)
    }

    private func failure(_ template: String, message: JSON?, at place: EncodingContext) throws -> StepFailure {
        try #require(throws: StepFailure.self) { try text(template, message: message, at: place) }
    }

    @Test(arguments: [
        ("a b", "a%20b"), ("a/b?c=d&e#f", "a%2Fb%3Fc%3Dd%26e%23f"), ("%2e", "%252e"), ("é€", "%C3%A9%E2%82%AC"),
        ("\r\n\0", "%0D%0A%00"),
        ("5n4=", "5n4%3D"), ("A-z_0.9~", "A-z_0.9~"), ("...", "..."), (":@", "%3A%40"), ("+", "%2B"),
    ])
    func `in a URL a value is one segment or one query value`(message: String, encoded: String) throws {
        #expect(
            try text("https://h/p/${event.message}", message: .string(message), at: .url) == "https://h/p/\(encoded)"
        )
        #expect(
            try text("https://h/?q=${event.message}", message: .string(message), at: .url) == "https://h/?q=\(encoded)"
        )
    }

    @Test(arguments: [".", ".."])
    func `a value that a URL would read as another folder fails the step`(message: String) throws {
        #expect(
            try failure("https://h/a/${event.message}", message: .string(message), at: .url).reason
                .contains("another folder")
        )
        #expect(
            try text("https://h/?q=${event.message}", message: .string(message), at: .url) == "https://h/?q=\(message)"
        )
    }

    @Test(arguments: [nil, JSON.null, ""] as [JSON?])
    func `an absent or empty value fails a URL path and a file path`(message: JSON?) throws {
        #expect(try !failure("https://h/${event.message}/x", message: message, at: .url).isWorthRetrying)
        #expect(try !failure("a/${event.message}/x", message: message, at: .filePath).isWorthRetrying)
        #expect(try text("[${event.message}]", message: message, at: .text) == "[]")
    }

    @Test func `a query value may be empty but not absent`() throws {
        #expect(try text("https://h/?q=${event.message}", message: "", at: .url) == "https://h/?q=")
        #expect(throws: StepFailure.self) { try text("https://h/?q=${event.message}", message: nil, at: .url) }
    }

    @Test(arguments: [
        ("${event.message}", false), ("http${event.message}", false), ("${event.message}://h/", false),
        ("https://${event.message}/", false),
        ("https://h${event.message}", false), ("https://h:${event.message}/", false),
        ("https://u:${event.message}@h/", false),
        ("/${event.message}://h/", false), ("https://h/${event.message}", true), ("https://h?${event.message}", true),
        ("https://h#${event.message}", true), ("${secret:KEY}", true), ("${secret:KEY}/${event.message}", true),
        ("https://${secret:KEY}/x", true), ("${secret:KEY}${event.message}", false),
        ("https://${secret:KEY}/${event.message}", true),
        ("https://h/x", true),
    ])
    func `scheme and host of a URL are literal, or a secret`(template: String, isRight: Bool) throws {
        #expect((EncodingContext.url.problem(of: try Template(parsing: template)) == nil) == isRight)
    }

    @Test(arguments: [
        ("${secret:KEY}", "s3cret/?"), ("https://${secret:KEY}", "https://s3cret/?"),
        ("https://h/${secret:KEY}", "https://h/s3cret/%3F"),
        ("https://h/?k=${secret:KEY}", "https://h/?k=s3cret%2F%3F"),
        ("https://h/#${secret:KEY}", "https://h/#s3cret%2F%3F"),
    ])
    func `a secret is the URL itself up to its host, and a value behind that`(template: String, url: String) throws {
        #expect(try text(template, message: nil, at: .url) == url)
    }

    @Test(arguments: [
        ("a/b", "a_b"), ("..", "__"), (".", "_"), ("../..", ".._.."), ("a\0b", "a_b"), ("-x", "-x"), ("é", "é"),
        ("a\nb", "a\nb"),
    ])
    func `in a file path a value is one component`(message: String, encoded: String) throws {
        #expect(try text("in/${event.message}/x", message: .string(message), at: .filePath) == "in/\(encoded)/x")
    }

    @Test(arguments: ["a\rb", "a\nb", "a\r\nb", "a\0b"])
    func `a header carries no line break and no NUL`(message: String) throws {
        let error = try failure("v ${event.message}", message: .string(message), at: .header)
        #expect(!error.isWorthRetrying)
        #expect(error.reason.contains("which a header cannot carry"))
    }

    @Test(arguments: [EncodingContext.argument, .environment])
    func `a program is given the very bytes, but no NUL and nothing beyond the system's limit`(
        place: EncodingContext
    ) throws {
        let hostile = "\"; touch pwned #$(touch pwned)`\n\u{1B}"
        #expect(try text("${event.message}", message: .string(hostile), at: place) == hostile)
        #expect(try failure("${event.message}", message: "a\0", at: place).reason.contains("NUL"))
        let long = String(repeating: "x", count: 131_001)
        #expect(try failure("${event.message}", message: .string(long), at: place).reason.contains("131000"))
    }

    @Test func `text and query hold a value as it is`() throws {
        let hostile = "=1+1\r\n\0\u{202E}"
        #expect(try text("${event.message}", message: .string(hostile), at: .text) == hostile)
        #expect(try text("${event.message}", message: .string(hostile), at: .query) == hostile)
    }

    @Test(
        arguments: [
            (EncodingContext.argument, false), (.environment, true), (.url, true), (.query, true), (.header, true),
            (.requestField, true),
            (.filePath, false),
            (.text, false), (.credential, true),
        ] as [(EncodingContext, Bool)]
    )
    func `secrets may be only where nobody reads them by the way`(place: EncodingContext, isAllowed: Bool) throws {
        let problem = place.problem(of: try Template(parsing: "${secret:KEY}"))
        #expect((problem == nil) == isAllowed)
    }
}
