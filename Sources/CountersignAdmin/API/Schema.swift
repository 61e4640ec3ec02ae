import CountersignModel

/// The shape of a JSON value, as an OpenAPI document tells it (JSON Schema 2020-12).
indirect enum Schema: Sendable {
    case string
    case dateTime
    case choice([String])
    case integer(minimum: Int64, maximum: Int64)
    case number
    case boolean
    /// Any JSON value.
    case any
    case array(Schema)
    /// An object with these members; one whose name ends with `?` may be missing.
    case object([(String, Schema)])
    case nullable(Schema)
    /// A schema of `components`, by its name.
    case named(String)

    /// The number of an event, a run or a body.
    static let id = Schema.integer(minimum: 1, maximum: .max)
    static let count = Schema.integer(minimum: 0, maximum: .max)

    var json: JSON {
        switch self {
        case .string: ["type": "string"]
        case .dateTime: ["type": "string", "format": "date-time"]
        case .choice(let values): ["type": "string", "enum": .array(values.map { .string($0) })]
        case .integer(let minimum, let maximum):
            ["type": "integer", "format": "int64", "minimum": JSON(minimum), "maximum": JSON(maximum)]
        case .number: ["type": "number"]
        case .boolean: ["type": "boolean"]
        case .any: [:]
        case .array(let items): ["type": "array", "items": items.json]
        case .object(let members): Self.object(members)
        case .nullable(let schema): ["anyOf": [schema.json, ["type": "null"]]]
        case .named(let name): ["$ref": .string("#/components/schemas/\(name)")]
        }
    }

    private static func object(_ members: [(String, Schema)]) -> JSON {
        var properties = JSONObject()
        var required: [JSON] = []
        for (name, schema) in members {
            let key = name.hasSuffix("?") ? String(name.dropLast()) : name
            properties[key] = schema.json
            if key == name { required.append(.string(key)) }
        }
        return ["type": "object", "properties": .object(properties), "required": .array(required)]
    }
}
