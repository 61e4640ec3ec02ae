import CountersignCore
import CountersignRules
import Testing

struct YAMLTests {
    private func read(_ text: String) -> (Node?, [Diagnostic]) {
        let bytes = Array(text.utf8)
        let findings = Findings(source: SourceText(path: "x.yaml", bytes: bytes))
        return (YAMLReader.read(bytes, into: findings), findings.diagnostics)
    }

    @Test(
        arguments: [
            ("true", true), ("false", false), ("null", .null), ("~", .null), ("", .null), ("5", 5), ("-0", 0),
            ("yes", "yes"),
            ("on", "on"), ("12:30", "12:30"), ("0x1F", "0x1F"), ("007", "007"), ("'5'", "5"), ("True", "True"),
            ("\"true\"", "true"), ("1_000", "1_000"), (".5", ".5"), ("NULL", "NULL"), ("2026-01-31", "2026-01-31"),
            (".inf", ".inf"), ("|\n  5", "5"), ("0o7", "0o7"), ("+1", "+1"),
        ] as [(String, JSON)]
    )
    func `a plain scalar is a boolean, null or a number in JSON's spelling only`(text: String, value: JSON) {
        #expect(read("a: \(text)").0?.json == ["a": value])
    }

    @Test
    func `a number keeps its digits`() {
        #expect(read("a: 1e400").0?.json["a"]?.number?.literal == "1e400")
        #expect(read("a: 12345678901234567890.5").0?.json.text == #"{"a":12345678901234567890.5}"#)
    }

    @Test
    func `every key and value has its place`() throws {
        let root = try #require(read("a:\n  - b: 'c d'\n    \"é\": [1, { f: g }]\n").0)
        guard case .mapping(let entries) = root.content, case .sequence(let items) = entries[0].value.content,
            case .mapping(let inner) = items[0].content, case .sequence(let list) = inner[1].value.content
        else {
            Issue.record("the tree has another form")
            return
        }
        #expect(entries[0].keySpan == SourceSpan(line: 1, column: 1, length: 1))
        #expect(inner[0].keySpan == SourceSpan(line: 2, column: 5, length: 1))
        #expect(inner[0].value.span == SourceSpan(line: 2, column: 8, length: 5))
        #expect(inner[1].keySpan == SourceSpan(line: 3, column: 5, length: 3))
        #expect(inner[1].value.span == SourceSpan(line: 3, column: 10, length: 13))
        #expect(list[1].span == SourceSpan(line: 3, column: 14, length: 8))
    }

    @Test(arguments: [
        "a: 1\r\n\tb: 2", "a: \"\\q\"", "- a\nb: c", "a: 'b", "a: &x", "a: *x", "%YAML 9\n---\na", "\u{0}", "a: \u{7}",
    ])
    func `broken text is a finding, never a crash`(text: String) {
        let (_, findings) = read(text)
        #expect(!findings.isEmpty || text == "a: &x")
        #expect(findings.allSatisfy { $0.span.line >= 1 && $0.span.column >= 1 && $0.span.length >= 1 })
    }

    @Test
    func `bytes that are no UTF-8 are a finding with a place`() {
        let bytes: [UInt8] = Array("a: b\nc: \"".utf8) + [0xFF] + Array("\"".utf8)
        let findings = Findings(source: SourceText(path: "x.yaml", bytes: bytes))
        #expect(YAMLReader.read(bytes, into: findings) == nil)
        #expect(findings.diagnostics.map(\.span) == [SourceSpan(line: 2, column: 5)])
    }

    @Test
    func `a byte order mark is no part of the text`() {
        #expect(read("\u{FEFF}a: 1").0?.json == ["a": 1])
    }

    @Test
    func `an alias means the value of its anchor`() {
        #expect(read("a: &x [1, 2]\nb: *x").0?.json == ["a": [1, 2], "b": [1, 2]])
    }
}
