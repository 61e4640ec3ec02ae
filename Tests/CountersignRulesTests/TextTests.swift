import CountersignRules
import Testing

struct TextTests {
    @Test(arguments: [
        ("a*b?", "a--bc", true), ("a*b?", "ab", false), ("*", "", true), ("?", "", false), ("?", "e\u{301}", true),
        ("e*", "e\u{301}", false), ("\u{E9}*", "e\u{301}x", true), ("a*b*c", "a1b2b3c", true), ("a*a", "a", false),
        ("**", "x", true), (#"\*"#, "*", true), (#"\*"#, "x", false), ("*.pdf", "a\r\nb.pdf", true), ("", "", true),
        ("a?c", "a\r\nc", true), ("*aab", "aaaab", true), ("x*", "X1", false),
    ])
    func `a glob fits the whole text, character by character`(pattern: String, text: String, fits: Bool) throws {
        #expect(try Glob(pattern).matches(text) == fits)
    }

    @Test(arguments: ["", "a", "ab", "b*", "é", "a?", "*", "xa*b", "ÀB"])
    func `the quick way and the slow way of a glob agree`(pattern: String) throws {
        let quick = try Glob(pattern)
        for text in ["", "a", "ab", "b", "bb", "é", "ba", "xab", "xaxb", "ÀB"] {
            // A character that is not ASCII at both ends takes the slow way.
            let slow = try Glob("ß" + pattern + "ß")
            #expect(slow.matches("ß" + text + "ß") == quick.matches(text), "\(pattern) on \(text)")
        }
    }

    @Test(arguments: [
        ("STRASSE", "straße", false), ("ΣΊΣΥΦΟΣ", "σίσυφος", true), ("K", "\u{212A}", true), ("İ", "i", false),
        ("ı", "I", false), ("µ", "μ", true), ("ǅ", "ǆ", true), ("ß", "ẞ", true), ("É", "e\u{301}", true),
    ])
    func `case is folded as Unicode's simple folding does`(left: String, right: String, isSame: Bool) {
        #expect((left.caseFolded == right.caseFolded) == isSame)
    }

    @Test
    func `a needle is found by characters and under canonical equivalence`() {
        #expect(Needle("e").isPrefix(of: "et"))
        #expect(!Needle("e").isPrefix(of: "e\u{301}t"))
        #expect(Needle("\u{E9}").isFound(in: "cafe\u{301}!"))
        #expect(!Needle("e").isSuffix(of: "cafe\u{301}"))
        #expect(!Needle("\r").isFound(in: "a\r\nb"))
        #expect(Needle("").isFound(in: ""))
        #expect(Needle("PERSONAL", ignoresCase: true).isFound(in: "the Personal info"))
    }

    @Test
    func `a malformed expression is reported in the words of RE2`() {
        let error = #expect(throws: RegularExpression.Malformed.self) { try RegularExpression("a(b") }
        #expect(error?.description == "missing ): a(b")
    }

    @Test
    func `an expression that would take a backtracker for ever is quick`() throws {
        let text = String(repeating: "a", count: 100_000) + "!"
        #expect(try !RegularExpression("^(a+)+$").isFound(in: text))
    }
}
