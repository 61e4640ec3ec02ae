import CountersignCore
import CountersignRules
import Testing

struct SchemaTests {
    private let schema = RuleSchema(catalogue: catalogue).json

    @Test
    func `every reference leads to a definition, and every definition is used`() throws {
        let definitions = Set(try #require(schema["definitions"]?.object).keys)
        var used: Set<String> = []
        func walk(_ value: JSON) {
            switch value {
            case .object(let object):
                if let name = object["$ref"]?.string { used.insert(String(name.dropFirst("#/definitions/".count))) }
                for member in object.members { walk(member.value) }
            case .array(let items):
                for item in items { walk(item) }
            default: break
            }
        }
        walk(schema)
        #expect(used == definitions)
    }

    @Test
    func `actions, their options and all operators are in it`() throws {
        let step = try #require(schema["definitions"]?["step"]?["properties"]?.object)
        let operators = try #require(schema["definitions"]?["operators"]?["properties"]?.object)
        #expect(Set(catalogue.map(\.name)).isSubset(of: step.keys))
        #expect(operators.keys == Operators.declarations.map(\.name))
        for action in catalogue {
            let options = schema["definitions"]?["options-\(action.name)"]
            #expect(options?["properties"]?.object?.keys == action.fields.map(\.key))
        }
    }

    @Test
    func `the reference has a row for each operator`() {
        let lines = Operators.reference.split(separator: "\n")
        #expect(lines.count == Operators.declarations.count + 2)
        #expect(
            lines.contains {
                $0.hasPrefix("| `prefix` | The string begins with the given one. | `{prefix: Q3-}` on `\"Q3-7781\"` |")
            }
        )
        #expect(lines.allSatisfy { $0.replacing("\\|", with: "").count { $0 == "|" } == 5 })
    }

    @Test func `the schema takes the keys that check takes, and no others`() throws {
        func keys(_ schema: JSON?) -> Set<String> { Set(schema?["properties"]?.object?.keys ?? []) }
        let definitions = try #require(schema["definitions"])
        let test = try #require(definitions["ruleTest"])
        let expectation = test["properties"]?["expect"]?["items"]
        #expect(keys(schema) == Set(RuleKeys.file))
        #expect(keys(definitions["rule"]) == Set(RuleKeys.rule))
        #expect(keys(definitions["step"]) == Set(RuleKeys.step + catalogue.map(\.name) + ["wait"]))
        #expect(keys(definitions["retry"]) == Set(RuleKeys.retry))
        #expect(keys(definitions["schedule"]) == Set(RuleKeys.schedule))
        #expect(keys(definitions["after"]?["then"]) == Set(RuleKeys.after))
        #expect(keys(definitions["afterEntry"]) == Set(RuleKeys.afterEntry))
        #expect(keys(definitions["throttle"]) == Set(RuleKeys.throttle))
        #expect(keys(definitions["threshold"]) == Set(RuleKeys.threshold))
        #expect(keys(definitions["debounce"]) == Set(RuleKeys.debounce))
        #expect(keys(definitions["digest"]) == Set(RuleKeys.digest))
        #expect(keys(definitions["concurrency"]?["then"]) == Set(RuleKeys.concurrency))
        #expect(keys(test) == Set(RuleKeys.test))
        #expect(keys(test["properties"]?["send"]?["items"]?["then"]) == Set(RuleKeys.send))
        #expect(keys(test["properties"]?["mock"]?["items"]) == Set(RuleKeys.mock))
        #expect(keys(expectation) == Set(RuleKeys.expectation))
        #expect(keys(expectation?["properties"]?["steps"]?["items"]?["then"]) == Set(RuleKeys.expectedStep))
    }
}
