import CountersignModel
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
}
