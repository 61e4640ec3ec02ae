/// A JSON value with templates in its strings.
public indirect enum JSONTemplate: Sendable, Hashable {
    case literal(JSON)
    case template(Template)
    case array([JSONTemplate])
    case object([Member])

    /// A key, itself a literal, and the value under it.
    public struct Member: Sendable, Hashable {
        /// The key, in which `${…}` means nothing.
        public let key: String

        /// What is under the key.
        public let value: JSONTemplate

        /// A member of a key and the template of its value.
        public init(key: String, value: JSONTemplate) {
            self.key = key
            self.value = value
        }
    }

    /// The templates in it, from front to back.
    public var templates: [Template] {
        switch self {
        case .literal: []
        case .template(let template): [template]
        case .array(let items): items.flatMap(\.templates)
        case .object(let members): members.flatMap(\.value.templates)
        }
    }

    /// The JSON value with all values filled in; a string that is exactly one `${…}` keeps the type of its value.
    public func json(in scope: Scope) throws(StepFailure) -> JSON {
        switch self {
        case .literal(let value): return value
        case .template(let template):
            if case .value(let expression)? = template.segments.first, template.segments.count == 1 {
                return try expression.value(in: scope) ?? .null
            }
            return .string(try template.text(in: scope, for: .text))
        case .array(let items):
            var values: [JSON] = []
            for item in items { values.append(try item.json(in: scope)) }
            return .array(values)
        case .object(let members):
            var values: [JSONObject.Member] = []
            for member in members { values.append(.init(key: member.key, value: try member.value.json(in: scope))) }
            return .object(JSONObject(values))
        }
    }
}
