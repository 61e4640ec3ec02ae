package import CountersignCore

/// The JSON Schema (draft-07) of rule files, for editors: derived from the actions and operators that there are.
///
/// It sees what a schema can see; ids, references and templates are checked by `RuleCompiler` alone.
package struct RuleSchema: Sendable {
    private let catalogue: [ActionDeclaration]

    /// - Parameter catalogue: The actions that steps may name.
    package init(catalogue: [ActionDeclaration]) {
        self.catalogue = catalogue + [Wait.declaration]
    }

    /// The schema as one document, its parts under `definitions`.
    package var json: JSON {
        var root = Self.map(["rules": Self.list(of: "rule"), "tests": Self.list(of: "ruleTest")])
        root["anyOf"] = [["required": ["rules"]], ["required": ["tests"]]]
        var definitions: JSONObject = [
            "rule": rule, "step": step, "retry": retry, "ruleTest": Self.ruleTest,
            "condition": condition(at: "when"), "stepCondition": condition(at: "if"),
            "valueTest": Self.valueTest, "operators": Self.operators, "itemTest": Self.itemTest,
        ]
        definitions["seen"] = Self.seen(condition(at: "when"))
        for member in Self.stateDefinitions.members { definitions[member.key] = member.value }
        for action in catalogue {
            definitions["action-\(action.name)"] = Self.schema(of: action)
            definitions["options-\(action.name)"] = Self.options(
                action.fields,
                alternatives: action.alternatives,
                exactlyOneOf: action.exactlyOneOf,
                dependencies: action.dependencies
            )
        }
        definitions["action-\(Wait.action)"] = Self.wait
        let head: JSONObject = [
            "$schema": "http://json-schema.org/draft-07/schema#",
            "title": "Countersign rules",
            "description": "Rules that act on the callbacks of OneSpan Sign.",
        ]
        return .object(
            JSONObject(head.members + root.members + [.init(key: "definitions", value: .object(definitions))])
        )
    }

    private var rule: JSON {
        var steps = Self.list(of: "step", "The steps, in order.")
        steps["minItems"] = 1
        let when: JSON = [
            "description": "When the rule applies: conditions on an event, or a schedule.", "minProperties": 1,
            "if": ["anyOf": [["required": ["schedule"]], ["required": ["every"]]]],
            "then": .object(Self.reference("schedule")), "else": .object(Self.reference("condition")),
        ]
        let head: JSONObject = [
            "id": ["type": "string", "pattern": "^[a-z0-9][a-z0-9-]*$", "description": "The id of the rule."],
            "description": Self.text("The purpose of the rule."),
            "enabled": ["type": "boolean", "default": true, "description": "Whether the rule is enabled."],
            "when": when,
        ]
        let tail: JSONObject = [
            "then": .object(steps),
            "on_failure": .object(Self.list(of: "step", "The steps after a step has failed for good.")),
            "always": .object(Self.list(of: "step", "The steps at the end in either case.")),
        ]
        let properties = JSONObject(head.members + Self.words.members + tail.members)
        var rule = Self.map(properties, required: ["id", "when", "then"])
        rule["dependencies"] = ["unless": ["after"]]
        rule["not"] = ["anyOf": .array(Self.pairsOfWords)]
        return .object(rule)
    }

    private var step: JSON {
        var properties: JSONObject = [
            "id": [
                "type": "string", "pattern": "^[A-Za-z0-9_-]+$",
                "description": "The id by which later steps refer to its outputs.",
            ],
            "if": .object(Self.reference("stepCondition", "The step is skipped unless this holds.")),
            "timeout": Self.duration(
                "The timeout of one attempt (default: 30s). A program then gets SIGTERM, and SIGKILL 3 seconds later."
            ),
            "retry": .object(Self.reference("retry", "How a failed step is retried.")),
            "continue_on_error": [
                "type": "boolean", "default": false, "description": "Whether the chain continues after a failure.",
            ],
        ]
        for action in catalogue {
            properties[action.name] = .object(Self.reference("action-\(action.name)", action.summary))
        }
        var step = Self.map(properties)
        step["oneOf"] = .array(catalogue.map { ["required": [.string($0.name)]] })
        return .object(step)
    }

    private var retry: JSON {
        let usual = RetryPolicy()
        return .object(
            Self.map([
                "attempts": Self.integer(
                    1...1_000,
                    "The number of attempts, including the first (default: \(usual.attempts))."
                ),
                "first": Self.duration("The maximum wait before the second attempt (default: \(usual.first.text))."),
                "max": Self.duration("The maximum wait before any attempt (default: \(usual.ceiling.text))."),
                "factor": [
                    "type": "number", "minimum": 1, "maximum": 100,
                    "description": "The factor by which the maximum wait grows with each attempt (default: 2).",
                ],
            ])
        )
    }

    private static let eventNames =
        EventCatalogue.names + SystemEvent.allCases.map(\.name) + RuleEvent.allCases.map(\.name)

    private func condition(at key: String) -> JSON {
        let itself: JSON = .object(Self.reference(key == "if" ? "stepCondition" : "condition"))
        let names: JSON = ["type": "string", "minLength": 1]
        var condition: JSONObject = ["type": "object"]
        condition["properties"] = [
            "event": [
                "description": "The event's name: a name, a list of names, or a pattern such as PACKAGE_*.",
                "anyOf": [
                    ["enum": .array(Self.eventNames.map { .string($0) })],
                    names,
                    ["type": "array", "items": names],
                ],
            ],
            "origin": Self.oneOrMore(Event.Origin.allCases.map(\.rawValue), "The origin of the event."),
            "all": ["type": "array", "items": itself, "description": "All of these hold."],
            "any": ["type": "array", "items": itself, "description": "At least one of these holds."],
            "not": .object(Self.reference(key == "if" ? "stepCondition" : "condition", "This does not hold.")),
        ]
        guard key == "if" else {
            if case .object(var properties)? = condition["properties"] {
                properties["seen"] = .object(Self.reference("seen", "Earlier events of the same key."))
                condition["properties"] = .object(properties)
            }
            condition["additionalProperties"] = .object(Self.reference("valueTest"))
            return .object(condition)
        }
        let facts = RuleFact.allCases.map(\.rawValue).joined(separator: "|")
        let roots = "^(event|steps|package|signer|configured|\(facts))\\."
        condition["patternProperties"] = .object([roots: .object(Self.reference("valueTest"))])
        condition["additionalProperties"] = false
        return .object(condition)
    }
}

// MARK: Pieces

extension RuleSchema {
    /// A map that has these keys and no others.
    static func map(_ properties: JSONObject, required: [String] = []) -> JSONObject {
        var map: JSONObject = ["type": "object", "properties": .object(properties), "additionalProperties": false]
        if !required.isEmpty { map["required"] = .array(required.map { .string($0) }) }
        return map
    }

    static func map(_ properties: [String: JSONObject]) -> JSONObject {
        map(JSONObject(properties.sorted { $0.key < $1.key }.map { .init(key: $0.key, value: .object($0.value)) }))
    }

    static func list(of name: String, _ summary: String? = nil) -> JSONObject {
        var list: JSONObject = ["type": "array", "items": .object(reference(name))]
        if let summary { list["description"] = .string(summary) }
        return list
    }

    /// What is defined elsewhere; beside `$ref`, draft-07 knows no other key, so a summary needs `allOf`.
    static func reference(_ name: String, _ summary: String? = nil) -> JSONObject {
        let reference: JSONObject = ["$ref": .string("#/definitions/\(name)")]
        guard let summary else { return reference }
        return ["description": .string(summary), "allOf": [.object(reference)]]
    }

    /// A text; a number or a boolean counts as the text it is written with.
    static func text(_ summary: String? = nil) -> JSON {
        var text: JSONObject = ["type": ["string", "number", "boolean"]]
        if let summary { text["description"] = .string(summary) }
        return .object(text)
    }

    static func duration(_ summary: String? = nil) -> JSON {
        var duration: JSONObject = [
            "type": "string", "pattern": "^[0-9]{1,10}(ms|s|m|h|d)$", "examples": ["30s", "2m"],
        ]
        if let summary { duration["description"] = .string(summary) }
        return .object(duration)
    }

    static func size() -> JSON {
        [
            "type": "string", "pattern": "^[0-9]+(\\.[0-9]+)? ?(B|[KMGT]iB|[kKMGT]B)$", "examples": ["1MiB", "10GB"],
        ]
    }

    static func integer(_ range: ClosedRange<Int>, _ summary: String? = nil) -> JSON {
        var integer: JSONObject = ["type": "integer", "minimum": JSON(range.lowerBound)]
        if range.upperBound != .max { integer["maximum"] = JSON(range.upperBound) }
        if let summary { integer["description"] = .string(summary) }
        return .object(integer)
    }

    static func oneOrMore(_ words: [String], _ summary: String) -> JSON {
        let word: JSON = ["enum": .array(words.map { .string($0) })]
        return ["description": .string(summary), "anyOf": [word, ["type": "array", "items": word]]]
    }
}
