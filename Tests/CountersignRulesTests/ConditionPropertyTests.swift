import CountersignCore
import CountersignRules
import Testing

/// Makes payloads and tests at random, from few words so that they meet often.
struct RandomRules {
    var random: SeededGenerator
    static let words = ["a", "ab", "abc", "A", "", "é", "e\u{301}", "2018-06-30T20:04:55.384Z", "*"]
    static let fields = ["packageId", "message", "documentId", "sessionUser", "data"]

    mutating func pick<Item>(_ items: [Item]) -> Item { items[Int.random(in: 0..<items.count, using: &random)] }

    mutating func value(depth: Int = 0) -> JSON {
        switch Int.random(in: 0..<(depth < 2 ? 9 : 7), using: &random) {
        case 0: .null
        case 1: .bool(.random(using: &random))
        case 2: JSON(Int.random(in: -1...4, using: &random))
        case 3...6: .string(pick(Self.words))
        case 7: .array((0..<Int.random(in: 0...3, using: &random)).map { _ in value(depth: depth + 1) })
        default: ["id": value(depth: depth + 1), "kind": value(depth: depth + 1)]
        }
    }

    mutating func payload() -> JSONObject {
        var payload: JSONObject = [:]
        for field in Self.fields where Bool.random(using: &random) { payload[field] = value() }
        return payload
    }

    /// A test as JSON, which is YAML as well.
    mutating func test(depth: Int = 0) -> JSON {
        switch Int.random(in: 0..<4, using: &random) {
        case 0: return scalar()
        case 1: return .array((0..<Int.random(in: 1...3, using: &random)).map { _ in scalar() })
        default:
            var map = JSONObject()
            for _ in 0..<Int.random(in: 1...2, using: &random) {
                let (name, argument) = operation(depth: depth + 1)
                map[name] = argument
            }
            let folds = map.keys.contains {
                ["equals", "in", "prefix", "suffix", "contains", "glob", "matches"].contains($0)
            }
            if folds, Int.random(in: 0..<4, using: &random) == 0 { map["ignore_case"] = true }
            return .object(map)
        }
    }

    private mutating func scalar() -> JSON {
        pick([.null, true, 1, 2, .string(pick(Self.words)), .string(pick(Self.words))])
    }

    private mutating func operation(depth: Int) -> (String, JSON) {
        let word = JSON.string(pick(Self.words))
        switch Int.random(in: 0..<(depth < 3 ? 17 : 13), using: &random) {
        case 0: return ("equals", value(depth: 1))
        case 1: return ("in", [scalar(), scalar()])
        case 2: return ("prefix", word)
        case 3: return ("suffix", word)
        case 4: return ("contains", word)
        case 5: return ("glob", pick(["a*", "*", "?b*", "", "é"]))
        case 6: return ("matches", pick(["^a", "b$", "", "(?i)A"]))
        case 7: return (pick(["gt", "gte", "lt", "lte"]), pick([0, 1, 2, "2018-06-30T20:04:55.384Z"]))
        case 8: return ("exists", .bool(.random(using: &random)))
        case 9: return (pick(["older_than", "newer_than"]), pick(["1h", "2d"]))
        case 10: return ("equals_field", .string(pick(Self.fields)))
        case 11: return ("prefix", "a")
        case 12: return ("exists", true)
        case 13: return ("length", ["gte": JSON(Int.random(in: 0...3, using: &random))])
        case 14: return (pick(["any_item", "every_item"]), ["prefix": word])
        case 15: return (pick(["any_item", "every_item"]), ["id": test(depth: depth + 1)])
        default: return ("not", test(depth: depth + 1))
        }
    }

    mutating func condition(depth: Int = 0) -> JSON {
        switch Int.random(in: 0..<(depth < 2 ? 8 : 5), using: &random) {
        case 0: return ["event": pick(["PACKAGE_CREATE", ["PACKAGE_CREATE", "EMAIL_BOUNCE"], "PACKAGE_*", "*"])]
        case 1: return ["origin": pick(["callback", ["poll", "manual"]])]
        case 5: return ["not": condition(depth: depth + 1)]
        case 6: return [pick(["all", "any"]): .array((0..<2).map { _ in condition(depth: depth + 1) })]
        case 7:
            return ["event": "PACKAGE_*", pick(Self.fields): test(), "not": condition(depth: depth + 1)]
        default: return [pick(Self.fields): test()]
        }
    }
}

struct ConditionPropertyTests {
    @Test(arguments: 0..<300)
    func `null and absent are the same`(seed: Int) throws {
        var rules = RandomRules(random: SeededGenerator(seed: UInt64(seed)))
        let text = rules.condition().text
        let condition = try #require(read(when: text), "\(text)")
        for _ in 0..<10 {
            let payload = rules.payload()
            var filled = payload
            for field in RandomRules.fields where payload[field] == nil { filled[field] = .null }
            let bare = JSONObject(payload.members.filter { $0.value != .null })
            let matchSet = Set([payload, filled, bare].map { condition.holds(in: context(.object($0))) })
            #expect(matchSet.count == 1, "\(text) on \(JSON.object(payload).text)")
        }
    }

    @Test(arguments: 0..<300)
    func `not is the exact complement`(seed: Int) throws {
        var rules = RandomRules(random: SeededGenerator(seed: UInt64(seed) + 1_000))
        let (text, test) = (rules.condition().text, rules.test().text)
        let whole = try #require(read(when: text))
        let negated = try #require(read(when: "{not: \(text)}"))
        let field = try #require(read(when: "{message: \(test)}"))
        let negatedField = try #require(read(when: "{message: {not: \(test)}}"))
        for _ in 0..<10 {
            let context = context(.object(rules.payload()))
            #expect(whole.holds(in: context) != negated.holds(in: context), "\(text)")
            #expect(field.holds(in: context) != negatedField.holds(in: context), "\(test)")
        }
    }

    @Test(arguments: Operators.all.map { $0.declaration }.filter { !["not", "equals_field"].contains($0.name) })
    func `a type that an operator does not know makes it false`(declaration: OperatorDeclaration) throws {
        let arguments: [OperatorDeclaration.Argument: String] = [
            .value: "'1'", .values: "['1']", .string: "'1'", .glob: "'1'", .regularExpression: "'1'", .comparable: "0",
            .boolean: "false", .duration: "1s", .operators: "{gte: 0}", .itemTest: "{exists: true}",
        ]
        let argument = try #require(arguments[declaration.argument])
        let condition = try #require(read(when: "{message: {\(declaration.name): \(argument)}}"))
        let unknownVariables: [JSON] = [true, ["a": "1"], 1]
        for value in unknownVariables where !(declaration.argument == .comparable && value == 1) {
            #expect(!condition.holds(in: context(["message": value])), "\(declaration.name) on \(value.text)")
        }
    }
}
