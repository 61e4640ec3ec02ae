/// A JSON value (RFC 8259), as it came: numbers keep their digits, objects keep the order of their members.
///
/// An event is parsed into this tree once; matching, templates and deduplication all read the same tree.
public enum JSON: Sendable, Hashable {
    case null
    case bool(Bool)
    case number(JSONNumber)
    case string(String)
    case array([JSON])
    case object(JSONObject)
}

extension JSON {
    /// The text of a string; nil for every other kind of value.
    public var string: String? {
        if case .string(let text) = self { text } else { nil }
    }

    /// The truth value of a boolean; nil for every other kind of value.
    public var bool: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    /// The number; nil for every other kind of value.
    public var number: JSONNumber? {
        if case .number(let number) = self { number } else { nil }
    }

    /// The items of an array; nil for every other kind of value.
    public var array: [JSON]? {
        if case .array(let items) = self { items } else { nil }
    }

    /// The members of an object; nil for every other kind of value.
    public var object: JSONObject? {
        if case .object(let object) = self { object } else { nil }
    }

    /// The member called `key` of an object; nil when there is none or the value is no object.
    public subscript(key: String) -> JSON? {
        object?[key]
    }

    /// The word for this kind of value in an error message, such as "a string".
    public var kind: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

// No `ExpressibleByNilLiteral`: `condition ? nil : json` would then be null where an absent value is meant.
extension JSON: ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    /// A JSON boolean, written as `true` or `false`.
    public init(booleanLiteral value: Bool) { self = .bool(value) }

    /// A JSON number, written as a whole number.
    public init(integerLiteral value: Int) { self = .number(JSONNumber(value)) }

    /// A JSON string, written as a Swift string.
    public init(stringLiteral value: String) { self = .string(value) }

    /// A JSON array, written as a list of values.
    public init(arrayLiteral elements: JSON...) { self = .array(elements) }

    /// A JSON object, written as keys and values; of two equal keys the last one counts.
    public init(dictionaryLiteral elements: (String, JSON)...) {
        self = .object(JSONObject(elements.map { JSONObject.Member(key: $0.0, value: $0.1) }))
    }

    /// A whole number as a JSON value.
    public init(_ value: some BinaryInteger) { self = .number(JSONNumber(value)) }

    /// A duration of so many seconds, to the millisecond, as settings write it: `250ms`, `3h`; null for what is no number.
    package init(durationInSeconds seconds: Double) {
        let milliseconds = (seconds * 1_000).rounded()
        self = Int64(exactly: milliseconds).map { .string(Duration.milliseconds($0).text) } ?? .null
    }

    /// A string as a JSON value, or null when there is none.
    public init(_ text: String?) { self = text.map { .string($0) } ?? .null }
}
