import CountersignModel

extension RuleSchema {
    private static let scalar: JSON = ["type": ["string", "number", "boolean", "null"]]

    /// What stands behind a path: a value, a list of values and operator maps, or an operator map.
    static var valueTest: JSON {
        let operators = JSON.object(reference("operators"))
        return [
            "if": ["type": "object"],
            "then": operators,
            "else": ["anyOf": [scalar, ["type": "array", "items": ["anyOf": [scalar, operators]]]]],
        ]
    }

    static var operators: JSON {
        let properties = Operators.declarations.map { declaration in
            guard case .object(var schema) = schema(of: declaration.argument) else {
                return JSONObject.Member(key: declaration.name, value: true)
            }
            schema["description"] = .string(declaration.summary)
            return JSONObject.Member(key: declaration.name, value: .object(schema))
        }
        var operators = map(JSONObject(properties))
        let knowingCase = Operators.declarations.filter(\.knowsCase).map { ["required": [.string($0.name)]] as JSON }
        operators["dependencies"] = .object([Operators.ignoreCase.name: ["anyOf": .array(knowingCase)]])
        return .object(operators)
    }

    /// The test of an item: operators where one of their names is among the keys, else a value or a condition.
    static var itemTest: JSON {
        let names = Operators.names.filter { $0 != "not" }
        return [
            "if": ["type": "object", "anyOf": .array(names.map { ["required": [.string($0)]] })],
            "then": .object(reference("operators")),
            "else": ["anyOf": [.object(reference("valueTest")), .object(reference("condition"))]],
        ]
    }

    private static func schema(of argument: OperatorDeclaration.Argument) -> JSON {
        switch argument {
        case .value: [:]
        case .values: ["type": "array"]
        case .string, .glob, .regularExpression: ["type": "string"]
        case .path: ["type": "string", "minLength": 1]
        case .comparable:
            ["anyOf": [["type": "number"], ["type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T"]]]
        case .boolean: ["type": "boolean"]
        case .duration: duration()
        case .operators: .object(["allOf": [.object(reference("operators"))]])
        case .test: .object(["allOf": [.object(reference("valueTest"))]])
        case .itemTest: .object(["allOf": [.object(reference("itemTest"))]])
        }
    }

    // MARK: Tests inside rule files

    static var ruleTest: JSON {
        let lists: JSONObject = [
            "send": ["type": "array", "items": send, "description": "The events that are sent."],
            "mock": ["type": "array", "items": mock, "description": "Results of steps, as none really acts."],
            "expect": ["type": "array", "items": expectation, "description": "Runs that come about."],
            "expect_none": ["type": "array", "items": text(), "description": "Rules that do not run."],
        ]
        let head: JSONObject = [
            "name": text("What the test shows."),
            "at": ["type": "string", "description": "The time at which it starts, such as 2026-01-31T09:00:00Z."],
            "configured": [
                "type": "array", "items": ["type": "string"],
                "description": "What a step's 'if' finds under 'configured', such as mail.to; all else is not set.",
            ],
        ]
        var test = map(JSONObject(head.members + lists.members), required: ["name", "send"])
        test["anyOf"] = [["required": ["expect"]], ["required": ["expect_none"]]]
        return .object(test)
    }

    private static var send: JSON {
        let payload: JSON = ["type": "object", "properties": ["name": ["type": "string"]], "required": ["name"]]
        let wrapped = map(
            [
                "payload": payload,
                "after": duration("How long after the start of the test."),
                "origin": ["enum": .array(Event.Origin.allCases.map { .string($0.rawValue) })],
                "package": ["type": "object", "description": "What OneSpan Sign tells of the package."],
            ],
            required: ["payload"]
        )
        return ["type": "object", "if": ["required": ["payload"]], "then": .object(wrapped), "else": payload]
    }

    private static var mock: JSON {
        var mock = map(
            [
                "rule": text(), "step": text(), "output": ["type": "object", "description": "What the step leaves."],
                "fail": text("Why the step fails."),
            ],
            required: ["rule", "step"]
        )
        mock["oneOf"] = [["required": ["output"]], ["required": ["fail"]]]
        return .object(mock)
    }

    private static var expectation: JSON {
        let step = map(
            ["id": text(), "plan": .object(reference("condition", "What holds for its plan."))],
            required: ["id"]
        )
        let expectation = map(
            [
                "rule": text("The rule that runs."),
                "times": integer(1...10_000, "How often (default: once or more)."),
                "ends": ["enum": .array(RuleTest.End.allCases.map { .string($0.rawValue) })],
                "steps": [
                    "type": "array", "items": ["if": ["type": "object"], "then": .object(step), "else": text()],
                    "description": "The steps that run, in this order and no others.",
                ],
            ],
            required: ["rule"]
        )
        return .object(expectation)
    }
}
