import CountersignCore

extension RuleSchema {
    /// What is under an action's key: a map of options, or the main option alone.
    static func schema(of action: ActionDeclaration) -> JSON {
        var alone: [JSON] = []
        if let main = action.fields.first(where: { $0.key == action.mainField }) { alone.append(schema(of: main)) }
        if !action.fields.contains(where: { $0.isRequired }), action.exactlyOneOf.isEmpty {
            alone.append(["type": "null"])
        }
        return [
            "description": .string(action.summary),
            "if": ["type": "object"],
            "then": .object(reference("options-\(action.name)")),
            "else": alone.isEmpty ? false : ["anyOf": .array(alone)],
        ]
    }

    static func options(
        _ fields: [FieldDeclaration],
        alternatives: [[String]] = [],
        exactlyOneOf: [[String]] = [],
        dependencies: [(key: String, needs: String)] = []
    ) -> JSON {
        let properties = JSONObject(fields.map { .init(key: $0.key, value: schema(of: $0)) })
        var options = map(properties, required: fields.filter(\.isRequired).map(\.key))
        let pairs = alternatives.flatMap { group in
            group.enumerated()
                .flatMap { index, left in
                    group.dropFirst(index + 1).map { right -> JSON in ["required": [.string(left), .string(right)]] }
                }
        }
        if !pairs.isEmpty { options["not"] = ["anyOf": .array(pairs)] }
        if !exactlyOneOf.isEmpty {
            let groups = exactlyOneOf.map { keys -> JSON in
                ["oneOf": .array(keys.map { ["required": [.string($0)]] })]
            }
            options["allOf"] = .array(groups)
        }
        if !dependencies.isEmpty {
            options["dependencies"] = .object(
                JSONObject(dependencies.map { .init(key: $0.key, value: [.string($0.needs)]) })
            )
        }
        return .object(options)
    }

    private static func schema(of field: FieldDeclaration) -> JSON {
        guard case .object(var schema) = schema(of: field.kind) else { return true }
        schema["description"] = .string(field.summary)
        if let text = field.defaultText {
            let isTyped: Bool
            switch field.kind {
            case .integer, .boolean: isTyped = true
            default: isTyped = false
            }
            schema["default"] = isTyped ? (try? JSON(parsing: text)) ?? .string(text) : .string(text)
        }
        return .object(schema)
    }

    private static func schema(of kind: OptionKind) -> JSON {
        switch kind {
        case .template, .shellScript, .text: text()
        case .form(let form): form.pattern.map { ["type": ["string", "number"], "pattern": .string($0)] } ?? text()
        case .destination: text()
        case .arguments: ["type": "array", "items": text(), "minItems": 1]
        case .templates: ["type": "object", "additionalProperties": text()]
        case .templateList: ["anyOf": [text(), ["type": "array", "items": text(), "minItems": 1]]]
        case .json: [:]
        case .jsonObject(let reserved):
            [
                "type": "object",
                "propertyNames": ["not": ["enum": .array(reserved.map { .string($0) })]],
            ]
        case .ownEvent: ["type": "string", "pattern": "^X_"]
        case .choice(let words): ["enum": .array(words.map { .string($0) })]
        case .duration: duration()
        case .size: size()
        case .integer(let range): integer(range)
        case .integers(let range): ["type": "array", "items": integer(range)]
        case .texts: ["type": "array", "items": text()]
        case .forms(let form):
            ["type": "array", "items": form.pattern.map { ["type": "string", "pattern": .string($0)] } ?? text()]
        case .maps(let fields, let words):
            [
                "anyOf": .array(
                    [["type": "array", "items": options(fields), "minItems": 1], options(fields)]
                        + (words.isEmpty ? [] : [["enum": .array(words.map { .string($0) })]])
                )
            ]
        case .boolean: ["type": "boolean"]
        case .oneOf(let fields): oneOf(fields)
        case .group(let fields): nullable(options(fields))
        case .entries(_, let fields):
            ["type": "object", "additionalProperties": ["anyOf": [text(), options(fields)]]]
        case .groups(let fields): ["type": "object", "additionalProperties": nullable(options(fields))]
        }
    }

    private static func oneOf(_ fields: [FieldDeclaration]) -> JSON {
        guard case .object(var map) = options(fields) else { return true }
        map["minProperties"] = 1
        map["maxProperties"] = 1
        return .object(map)
    }

    /// A map of options in whose place nothing may stand, unless one of them is required.
    private static func nullable(_ options: JSON) -> JSON {
        guard case .object(var map) = options, map["required"] == nil else { return options }
        map["type"] = ["object", "null"]
        return .object(map)
    }
}
