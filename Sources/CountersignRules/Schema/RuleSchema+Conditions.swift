import CountersignCore

extension RuleSchema {
    private static let scalar: JSON = ["type": ["string", "number", "boolean", "null"]]

    /// What is behind a path: a value, a list of values and operator maps, or an operator map.
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
            "until": duration(
                "How far the clock goes from the start (default: until nothing is due that an event opened)."
            ),
            "mock": ["type": "array", "items": mock, "description": "Results of steps; steps are never executed."],
            "expect": ["type": "array", "items": expectation, "description": "Expected runs."],
            "expect_none": ["type": "array", "items": text(), "description": "Rules that must not run."],
            "expect_pending": ["type": "array", "items": pending, "description": "What is open at the end."],
            "expect_cancelled": ["type": "array", "items": cancelled, "description": "Timers that events cancelled."],
        ]
        let head: JSONObject = [
            "name": text("The name of the test."),
            "at": ["type": "string", "description": "The time at which it starts, such as 2026-01-31T09:00:00Z."],
            "configured": [
                "type": "array", "items": ["type": "string"],
                "description": "What steps find under 'configured', such as mail.to; everything else is not set.",
            ],
        ]
        var test = map(JSONObject(head.members + lists.members), required: ["name"])
        let expectations = ["expect", "expect_none", "expect_pending", "expect_cancelled"]
        test["allOf"] = [
            ["anyOf": .array(expectations.map { ["required": [.string($0)]] })],
            ["anyOf": [["required": ["send"]], ["required": ["until"]]]],
        ]
        return .object(test)
    }

    private static let key: JSON = [
        "description": "The values that 'per' names: one of them, or a list.",
        "type": ["string", "number", "boolean", "null", "array"],
    ]

    private static var pending: JSON {
        let pending = map(
            [
                "rule": text("The rule that waits."), "key": key,
                "kind": [
                    "enum": .array(RuleTest.PendingKind.allCases.map { .string($0.rawValue) }),
                    "description": "What waits.",
                ],
                "due": text("When it is due: from the start of the test, such as 3d, or a time."),
            ],
            required: ["rule"]
        )
        return .object(pending)
    }

    private static var cancelled: JSON {
        let cancelled = map(
            [
                "rule": text("The rule whose timers were cancelled."), "key": key,
                "by": text("The name of the event that cancelled them."),
                "times": integer(1...10_000, "The number of timers (default: one or more)."),
            ],
            required: ["rule"]
        )
        return .object(cancelled)
    }

    private static var send: JSON {
        let payload: JSON = ["type": "object", "properties": ["name": ["type": "string"]], "required": ["name"]]
        let wrapped = map(
            [
                "payload": payload,
                "after": duration("The delay after the start of the test."),
                "origin": ["enum": .array(Event.Origin.allCases.map { .string($0.rawValue) })],
                "package": ["type": "object", "description": "The package as returned by OneSpan Sign."],
            ],
            required: ["payload"]
        )
        return ["type": "object", "if": ["required": ["payload"]], "then": .object(wrapped), "else": payload]
    }

    private static var mock: JSON {
        var mock = map(
            [
                "rule": text(), "step": text(),
                "output": ["type": "object", "description": "The outputs of the step."],
                "fail": text("The reason why the step fails."),
            ],
            required: ["rule", "step"]
        )
        mock["oneOf"] = [["required": ["output"]], ["required": ["fail"]]]
        return .object(mock)
    }

    private static var expectation: JSON {
        let step = map(
            [
                "id": text(), "plan": .object(reference("condition", "Conditions on its plan.")),
                "at": duration("When it begins, from the start of the test, to the second."),
            ],
            required: ["id"]
        )
        let expectation = map(
            [
                "rule": text("The rule that runs."),
                "times": integer(1...10_000, "The number of runs (default: one or more)."),
                "ends": ["enum": .array(RuleTest.End.allCases.map { .string($0.rawValue) })],
                "steps": [
                    "type": "array", "items": ["if": ["type": "object"], "then": .object(step), "else": text()],
                    "description": "Exactly the steps that run, in this order.",
                ],
            ],
            required: ["rule"]
        )
        return .object(expectation)
    }
}
