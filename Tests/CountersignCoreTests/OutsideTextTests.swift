import CountersignCore
import Testing

struct OutsideTextTests {
    @Test(arguments: [[], [0xEF, 0xBB, 0xBF]] as [[UInt8]])
    func `a byte order mark is no part of the text`(mark: [UInt8]) throws {
        #expect(try OutsideText.decode(mark + Array("kü\n".utf8)) == "kü\n")
        #expect(try OutsideText.decode(mark).isEmpty)
    }

    @Test(
        arguments: [
            ([0xFF, 0xFE, 0x6B, 0], .otherEncoding("UTF-16")), ([0xFE, 0xFF, 0, 0x6B], .otherEncoding("UTF-16")),
            ([0xFF, 0xFE, 0, 0, 0x6B, 0, 0, 0], .otherEncoding("UTF-32")),
            ([0, 0, 0xFE, 0xFF], .otherEncoding("UTF-32")), ([0x6B, 0, 0x6C, 0], .containsNUL),
            ([0x6B, 0xFC], .isNoUTF8(offset: 1)), ([0xEF, 0xBB, 0xBF, 0x6B, 0xFC], .isNoUTF8(offset: 4)),
        ] as [([UInt8], OutsideText.Fault)]
    )
    func `another encoding is an error that names it`(bytes: [UInt8], fault: OutsideText.Fault) {
        #expect(throws: fault) { try OutsideText.decode(bytes) }
    }

    @Test(arguments: ["a\nb\n\nc", "a\r\nb\r\n\r\nc", "a\rb\r\rc", "a\nb\r\n\rc"])
    func `a text has the same lines whatever ends them`(text: String) {
        #expect(text.lines.map { String($0) } == ["a", "b", "", "c"])
        #expect(text.withLineFeeds == "a\nb\n\nc")
    }

    @Test(arguments: ["\u{FEFF}{\"a\":1}", "\u{FEFF} {\"a\":1}\n"])
    func `JSON may have a byte order mark before it`(text: String) throws {
        #expect(try JSON(parsing: text) == ["a": 1])
        #expect(throws: JSONError.self) { try JSON(parsing: "\u{FEFF}") }
        #expect(throws: JSONError.self) { try JSON(parsing: " \u{FEFF}{}") }
    }
}
