import CountersignCore
import Testing

struct JSONPathTests {
    private let payload: JSON = [
        "@class": "c", "packageId": "p", "a": ["b": [10, ["x.y": 20, "": 30]]], "nothing": .null, "é": 1, "quo\"te": 2,
    ]

    @Test(
        arguments: [
            ("packageId", [JSONPath.Component.key("packageId")], JSON.string("p")), ("@class", [.key("@class")], "c"),
            (#""@class""#, [.key("@class")], "c"), ("a.b[0]", [.key("a"), .key("b"), .index(0)], 10),
            (#"a.b[1]."x.y""#, [.key("a"), .key("b"), .index(1), .key("x.y")], 20),
            (#"a.b[1]."""#, [.key("a"), .key("b"), .index(1), .key("")], 30), ("nothing", [.key("nothing")], .null),
            ("é", [.key("é")], 1), (#""quo\"te""#, [.key("quo\"te")], 2),
            (#""\u0061".b[00]"#, [.key("a"), .key("b"), .index(0)], 10),
        ] as [(String, [JSONPath.Component], JSON)]
    )
    func `a path leads to its value`(text: String, components: [JSONPath.Component], value: JSON) throws {
        let path = try JSONPath(parsing: text)
        #expect(path.components == components)
        #expect(path.value(in: payload) == value)
        #expect(try JSONPath(parsing: path.description) == path)
    }

    @Test(arguments: [
        "absent", "a.absent.b", "a[0]", "a.b.c", "a.b[2]", "a.b[9223372036854775807]", "packageId.x", "nothing.x",
    ])
    func `a path may lead nowhere`(text: String) throws {
        #expect(try JSONPath(parsing: text).value(in: payload) == nil)
    }

    @Test(arguments: [
        ("", 0, "a key is missing"), ("a.", 2, "a key is missing"), (".a", 0, "double quotes"),
        ("a..b", 2, "double quotes"),
        ("a b", 1, "expected '.' or '['"), ("a[x]", 1, "counted from 0"), ("a[-1]", 1, "counted from 0"),
        ("a[1", 1, "counted from 0"),
        ("a[]", 1, "counted from 0"), ("a[99999999999999999999]", 1, "counted from 0"), (#""a"#, 0, "closing quote"),
        (#"a."b\"#, 2, "closing quote"), (#""\x""#, 0, "not a valid JSON string"), ("a]", 1, "expected '.' or '['"),
        (#"a"b""#, 1, "expected '.' or '['"),
        ("[0]", 0, "double quotes"), ("a|b", 1, "expected '.' or '['"),
    ])
    func `what is no path is refused with its place`(text: String, offset: Int, sentence: String) throws {
        let error = try #require(throws: JSONPathError.self) { try JSONPath(parsing: text) }
        #expect(error.offset == offset)
        #expect(error.description.contains(sentence), "\(error.description)")
    }

    @Test(arguments: ["", "a", "a.b", "a b", "[0]", "\"", "\\", "\n", "\u{7F}", "é", "${x}", "a|b", "\u{0}"])
    func `any key can be written as a path`(key: String) throws {
        let path = JSONPath([.key("first"), .key(key), .index(3), .key(key)])
        #expect(try JSONPath(parsing: path.description) == path)
    }
}
