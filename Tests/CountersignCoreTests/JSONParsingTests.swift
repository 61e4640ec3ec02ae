import CountersignCore
import CountersignTesting
import Testing

struct JSONParsingTests {
    @Test(
        arguments: [
            ("null", JSON.null), ("true", true), (" false\r\n\t", false), ("0", 0), ("-0", 0), ("-12", -12),
            ("[]", []), ("[ ]", []), ("{}", [:]), ("{ }", [:]), ("\"\"", ""), ("[[],[{}]]", [[], [[:]]]),
            (#"{"a":1,"b":[true,null]}"#, ["a": 1, "b": [true, .null]]),
            (#"{"":0}"#, ["": 0]),
            (#""\"\\\/\b\f\n\r\t""#, .string("\"\\/\u{8}\u{C}\n\r\t")),
            (#""\u00e9\u20AC\uD834\uDD1E\u0000""#, .string("é€𝄞\0")),
            ("\"é€𝄞\u{7F}\u{2028}\"", .string("é€𝄞\u{7F}\u{2028}")),
            (#"{"a":{"a":1}}"#, ["a": ["a": 1]]),
        ] as [(String, JSON)]
    )
    func `a JSON text is parsed`(text: String, value: JSON) throws {
        #expect(try JSON(parsing: text) == value)
    }

    @Test(
        arguments: [
            ("", JSONError.Problem.empty, 1, 1), (" \n ", .empty, 2, 2),
            ("nul", .unexpectedEnd, 1, 4), ("nulL", .unexpected(0x4C, expected: "'null'"), 1, 4),
            ("NaN", .unexpected(0x4E, expected: "a value"), 1, 1),
            ("1 2", .trailing(0x32), 1, 3), ("1\n\n  ,", .trailing(0x2C), 3, 3), ("[1]]", .trailing(0x5D), 1, 4),
            ("01", .invalidNumber, 1, 1), ("-", .invalidNumber, 1, 1),
            ("+1", .unexpected(0x2B, expected: "a value"), 1, 1),
            ("1.", .invalidNumber, 1, 1), (".5", .unexpected(0x2E, expected: "a value"), 1, 1),
            ("1e", .invalidNumber, 1, 1),
            ("1e+", .invalidNumber, 1, 1), ("[ 1.2.3]", .invalidNumber, 1, 3), ("0x1", .trailing(0x78), 1, 2),
            ("[1,]", .unexpected(0x5D, expected: "a value"), 1, 4),
            ("[,1]", .unexpected(0x2C, expected: "a value"), 1, 2),
            ("[1 2]", .unexpected(0x32, expected: "',' or ']'"), 1, 4), ("[1", .unexpectedEnd, 1, 3),
            ("[", .unexpectedEnd, 1, 2),
            ("{\"a\"}", .unexpected(0x7D, expected: "':'"), 1, 5),
            ("{\"a\":}", .unexpected(0x7D, expected: "a value"), 1, 6),
            ("{\"a\":1,}", .unexpected(0x7D, expected: "a key in quotes"), 1, 8),
            ("{a:1}", .unexpected(0x61, expected: "a key in quotes"), 1, 2),
            ("{'a':1}", .unexpected(0x27, expected: "a key in quotes"), 1, 2),
            ("{\"a\":1 \"b\":2}", .unexpected(0x22, expected: "',' or '}'"), 1, 8), ("{\"a\":1", .unexpectedEnd, 1, 7),
            ("\"", .unexpectedEnd, 1, 2), ("\"a\\\"", .unexpectedEnd, 1, 5), ("\"\n\"", .controlInString(0x0A), 1, 2),
            ("\"\\n\u{1F}\"", .controlInString(0x1F), 1, 4), (#""\x""#, .invalidEscape, 1, 2),
            (#""ab\u12G4""#, .invalidEscape, 1, 4),
            (#""\u12"#, .unexpectedEnd, 1, 6), (#""\uD834""#, .loneSurrogate, 1, 2),
            (#""\uDD1E""#, .loneSurrogate, 1, 2),
            (#""\uD834\uD834""#, .loneSurrogate, 1, 2), (#""\uD834x""#, .loneSurrogate, 1, 2),
            ("{\"a\":1,\n \"a\":2}", .duplicateKey("a"), 2, 2), (#"{"a":1,"\u0061":2}"#, .duplicateKey("a"), 1, 8),
            ("[1] // no", .trailing(0x2F), 1, 5),
        ] as [(String, JSONError.Problem, Int, Int)]
    )
    func `what is no JSON is refused with its place`(
        text: String,
        problem: JSONError.Problem,
        line: Int,
        column: Int
    ) throws {
        let error = try #require(throws: JSONError.self) { try JSON(parsing: text) }
        #expect(error.problem == problem)
        #expect([error.line, error.column] == [line, column])
    }

    @Test(
        arguments: [
            [0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0x22, 0xE2, 0x82, 0x22],
            [0x22, 0x5C, 0x6E, 0xFF, 0x22], [0x22, 0xF4, 0x90, 0x80, 0x80, 0x22],
        ] as [[UInt8]]
    )
    func `a string that is not UTF-8 is refused`(bytes: [UInt8]) throws {
        let error = try #require(throws: JSONError.self) { try JSON(parsing: bytes) }
        #expect(error.problem == .notUTF8)
    }

    /// Long strings are read by eight bytes at a time; the odd byte is seen wherever it stands among them.
    @Test(arguments: 0..<20)
    func `the byte that matters is seen at any place of a string`(place: Int) throws {
        let (before, after) = (String(repeating: "a", count: place), String(repeating: "b", count: 20 - place))
        #expect(try JSON(parsing: "\"\(before)é\(after)\"") == .string("\(before)é\(after)"))
        #expect(try JSON(parsing: "\"\(before)\\n\(after)\"") == .string("\(before)\n\(after)"))
        #expect(try JSON(parsing: "[\"\(before)\",\"\(after)\"]") == [.string(before), .string(after)])
        let wrong: [(UInt8, JSONError.Problem)] = [(0x00, .controlInString(0)), (0x1F, .controlInString(0x1F))]
        for (byte, problem) in wrong {
            let bytes = Array("\"\(before)".utf8) + [byte] + Array("\(after)\"".utf8)
            let error = try #require(throws: JSONError.self) { try JSON(parsing: bytes) }
            #expect(error.problem == problem)
            #expect(error.column == place + 2)
        }
        let broken = Array("\"\(before)".utf8) + [0x80] + Array("\(after)\"".utf8)
        #expect(try #require(throws: JSONError.self) { try JSON(parsing: broken) }.problem == .notUTF8)
        #expect(throws: JSONError.self) { try JSON(parsing: "\"\(before)\(after)") }
    }

    @Test(arguments: ["[", "{\"a\":"])
    func `the depth is bounded`(opening: String) throws {
        func nested(_ levels: Int) -> String {
            let closing = opening == "[" ? "]" : "}"
            return String(repeating: opening, count: levels) + "1" + String(repeating: closing, count: levels)
        }
        _ = try JSON(parsing: nested(64))
        let error = try #require(throws: JSONError.self) { try JSON(parsing: nested(65)) }
        #expect(error.problem == .tooDeep(limit: 64))
        // Far deeper than the stack could bear without the limit.
        #expect(throws: JSONError.self) { try JSON(parsing: String(repeating: opening, count: 1_000_000)) }
    }

    @Test func `the keys of all objects are counted together`() throws {
        let two = #"[{"a":1},{"b":2}]"#
        _ = try JSON(parsing: two, limits: JSON.Limits(keys: 2))
        let error = try #require(throws: JSONError.self) { try JSON(parsing: two, limits: JSON.Limits(keys: 1)) }
        #expect(error.problem == .tooManyKeys(limit: 1))
    }

    @Test(arguments: [5, 15, 16, 17, 40, 500])
    func `a key that stands twice is found in objects of any size`(count: Int) throws {
        let members = (0..<count).map { #""k\#($0)":\#($0)"# }
        _ = try JSON(parsing: "{\(members.joined(separator: ","))}")
        for twice in [0, count / 2, count - 1] {
            let text = "{\((members + [members[twice]]).joined(separator: ","))}"
            let error = try #require(throws: JSONError.self) { try JSON(parsing: text) }
            #expect(error.problem == .duplicateKey("k\(twice)"))
        }
    }

    @Test(arguments: 0..<200 as Range<UInt64>)
    func `a value that is written is read back the same`(seed: UInt64) throws {
        var generator = JSONGenerator(seed: seed)
        let value = generator.value(depth: 4)
        #expect(try JSON(parsing: value.text) == value)
        #expect(try JSON(parsing: value.indented) == value)
        #expect(try JSON(parsing: value.text).text == value.text)
    }

    @Test(arguments: 0..<200 as Range<UInt64>)
    func `a text that is cut or changed at random never does worse than to be refused`(seed: UInt64) {
        var generator = JSONGenerator(seed: seed)
        var bytes = generator.value(depth: 3).bytes
        for _ in 0..<20 {
            bytes[Int.random(in: bytes.indices, using: &generator.random)] = .random(
                in: .min ... .max,
                using: &generator.random
            )
            guard let value = try? JSON(parsing: bytes) else { continue }
            #expect((try? JSON(parsing: value.bytes)) == value)
        }
    }

    @Test func `what a terminal could act on is written escaped`() {
        #expect(JSON.string("\u{1B}[31m\u{7F}\0\"\\\n").text == #""\u001b[31m\u007f\u0000\"\\\n""#)
    }

    @Test func `an indented value has its members on lines of their own`() throws {
        let value: JSON = ["a": [1, [:]], "b": [], "c": ["d": .null]]
        #expect(
            value.indented == """
                {
                  "a": [
                    1,
                    {}
                  ],
                  "b": [],
                  "c": {
                    "d": null
                  }
                }
                """
        )
    }

    @Test func `objects are equal in any order, arrays are not`() {
        let (left, right): (JSON, JSON) = (["a": 1, "b": [1, 2]], ["b": [1, 2], "a": 1])
        #expect(left == right)
        #expect(left.hashValue == right.hashValue)
        #expect(left != ["a": 1, "b": [2, 1]])
        #expect(left != ["a": 1])
    }
}

/// Makes JSON values at random.
private struct JSONGenerator {
    var random: SplitMix64

    init(seed: UInt64) {
        random = SplitMix64(seed: seed)
    }

    mutating func value(depth: Int) -> JSON {
        switch Int.random(in: 0..<(depth > 0 ? 7 : 5), using: &random) {
        case 0: .null
        case 1: .bool(Bool.random(using: &random))
        case 2: JSON(Int.random(in: .min ... .max, using: &random))
        case 3: (try? JSON(parsing: "\(Double.random(in: -1e9...1e9, using: &random))")) ?? .null
        case 4: .string(text())
        case 5: .array((0..<Int.random(in: 0...4, using: &random)).map { _ in value(depth: depth - 1) })
        default:
            .object(
                JSONObject(
                    (0..<Int.random(in: 0...20, using: &random))
                        .map { .init(key: "\($0)" + text(), value: value(depth: depth - 1)) }
                )
            )
        }
    }

    private mutating func text() -> String {
        var scalars = String.UnicodeScalarView()
        for _ in 0..<Int.random(in: 0...8, using: &random) {
            let ceiling: UInt32 = Bool.random(using: &random) ? 0x80 : 0x10FFFF
            scalars.append(UnicodeScalar(UInt32.random(in: 0...ceiling, using: &random)) ?? "\u{FFFD}")
        }
        return String(scalars)
    }
}
