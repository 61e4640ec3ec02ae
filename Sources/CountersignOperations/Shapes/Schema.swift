package import CountersignCore

/// The shape of a JSON value, as an OpenAPI document tells it (JSON Schema 2020-12).
package indirect enum Schema: Sendable {
    case string
    /// A text of this form (ECMA-262).
    case pattern(String)
    case dateTime
    /// A point in time as people give it; `Date(pointInTime:now:)` reads it.
    case pointInTime
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
    /// An object of this shape that has no other members: what a client sends.
    case closed(Schema)
    /// A schema of `components`, by its name.
    case named(String)

    /// The number of an event, a run or a body.
    package static let id = Schema.integer(minimum: 1, maximum: .max)

    /// A number of things, from 0.
    package static let count = Schema.integer(minimum: 0, maximum: .max)

    /// A duration such as `250ms` or `3h`.
    package static let duration = Schema.pattern("^[0-9]+(ms|s|m|h|d)$")

    /// A place in a list, as `next` gives it.
    package static let place = Schema.pattern("^[0-9]{1,14}-[0-9]{1,18}$")

    /// A place in a list of packages, as `next` gives it.
    package static let packagePlace = Schema.pattern("^(id:[\\s\\S]+|[0-9]{1,14}-[0-9]{1,18})$")

    /// What OneSpan Sign posts.
    package static let callback: Schema = .object([
        ("name", .pattern("^[^\\u0000]+$")), ("packageId?", .any), ("message?", .any),
    ])

    /// The schema as JSON Schema has it.
    package var json: JSON {
        switch self {
        case .string: ["type": "string"]
        case .pattern(let pattern): ["type": "string", "pattern": .string(pattern)]
        case .dateTime: ["type": "string", "format": "date-time"]
        case .pointInTime: Self.pointsInTime
        case .choice(let values): ["type": "string", "enum": .array(values.map { .string($0) })]
        case .integer(let minimum, let maximum):
            ["type": "integer", "format": "int64", "minimum": JSON(minimum), "maximum": JSON(maximum)]
        case .number: ["type": "number"]
        case .boolean: ["type": "boolean"]
        case .any: [:]
        case .array(let items): ["type": "array", "items": items.json]
        case .object(let members): Self.members(members)
        case .nullable(let schema): ["anyOf": [schema.json, ["type": "null"]]]
        case .closed(let schema): Self.closed(schema.json)
        case .named(let name): ["$ref": .string("#/components/schemas/\(name)")]
        }
    }

    private static let pointsInTime: JSON = [
        "description": "A time in RFC 3339, in UTC if it has no zone; a date; or a time ago: `2d`, `12h`, `30m`.",
        "anyOf": [
            ["type": "string", "format": "date-time"], ["type": "string", "format": "date"],
            ["type": "string", "pattern": "^[0-9]{1,9}(ms|s|m|h|d)$"],
        ],
    ]

    private static func closed(_ schema: JSON) -> JSON {
        var object = schema.object ?? JSONObject()
        object["additionalProperties"] = false
        return .object(object)
    }

    private static func members(_ members: [(String, Schema)]) -> JSON {
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
