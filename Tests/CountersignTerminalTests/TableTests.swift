import CountersignTerminal
import Testing

/// Tables as people see them, on terminals of all widths.
struct TableTests {
    private static let message = "the personal info is not correct"

    private func table(_ messages: [String] = [message]) -> Table {
        var table = Table([
            .init("ID", isNumber: true), .time("RECEIVED"), .init("EVENT", yields: 1, minimum: 12),
            .init("MESSAGE", yields: 2, minimum: 6), .state,
        ])
        for (index, message) in messages.enumerated() {
            table.add(["\(index + 9)", "2026-01-31 09:00:05", "PACKAGE_OPT_OUT", message, "failed"])
        }
        return table
    }

    @Test func `where there is no terminal nothing is cut and no line ends in blanks`() {
        let expected = """
            ID  RECEIVED (UTC)       EVENT            MESSAGE                           STATE
             9  2026-01-31 09:00:05  PACKAGE_OPT_OUT  the personal info is not correct  failed
            10  2026-01-31 09:00:05  PACKAGE_OPT_OUT                                    failed
            """
        #expect(table([Self.message, ""]).text == expected)
    }

    @Test(arguments: 10...120)
    func `no line is wider than the terminal`(width: Int) {
        let messages = [Self.message, "合意書の内容が正しくありません", "e\u{301}le\u{300}ve 👍🏽 🇩🇪 \u{FE0F}", "\u{1B}[2J\n\u{202E}x"]
        let lines = table(messages).text(on: Terminal(width: width, isColoured: false)).split(separator: "\n")
        #expect(lines.count == 5)
        for line in lines { #expect(String(line).displayWidth <= width, "\(line)") }
    }

    @Test func `times get short first, then the least important column, then the next one`() {
        func text(_ width: Int) -> String { table().text(on: Terminal(width: width, isColoured: false)) }
        #expect(text(76).hasPrefix("ID  RECEIVED      EVENT            MESSAGE                           STATE\n"))
        #expect(text(76).contains(" 9  01-31 09:00Z  PACKAGE_OPT_OUT  the personal info is not correct  failed"))
        #expect(text(60).contains(" 9  01-31 09:00Z  PACKAGE_OPT_OUT  the personal inf…  failed"))
        #expect(text(46).contains(" 9  01-31 09:00Z  PACKAGE_OPT…  the p…  failed"))
        #expect(text(40).contains(" 9  01-31 09:00Z  PACKAGE_OPT_O…  failed"))
    }

    @Test func `headings are bold and states have their colors, and nothing else shows`() {
        let text = table().text(on: Terminal(width: nil, isColoured: true))
        #expect(text.hasPrefix("\u{1B}[1mID\u{1B}[0m  \u{1B}[1mRECEIVED (UTC)\u{1B}[0m"))
        #expect(text.hasSuffix("  \u{1B}[31mfailed\u{1B}[0m"))
        let bare = text.replacing(/\e\[[0-9]+m/, with: "")
        #expect(bare == table().text)
    }

    @Test(arguments: [
        ("", 0), ("abc", 3), ("é", 1), ("e\u{301}", 1), ("漢字", 4), ("한글", 4), ("\u{1112}\u{1161}\u{11AB}", 2), ("ｆ", 2),
        ("👍", 2),
        ("☀", 1), ("☀\u{FE0F}", 2), ("🇩🇪", 2), ("…", 1), ("ﬁ", 1), ("עברית", 5), ("\u{20000}", 2),
    ])
    func `a text is as wide as a terminal draws it`(text: String, width: Int) {
        #expect(text.displayWidth == width)
    }

    @Test(arguments: [
        ("abc", 3, "abc"), ("abcd", 3, "ab…"), ("漢字漢字", 5, "漢字…"), ("漢字漢字", 4, "漢…"),
        ("e\u{301}e\u{301}e\u{301}", 2, "e\u{301}…"),
        ("abc", 1, "…"), ("abc", 0, ""), ("", 0, ""),
    ])
    func `what does not fit ends in an ellipsis, and no sign is cut in two`(text: String, width: Int, fitted: String) {
        #expect(text.fitted(to: width) == fitted)
    }
}
