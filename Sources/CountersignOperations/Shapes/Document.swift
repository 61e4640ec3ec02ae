package import CountersignCore
package import Foundation

/// A document of the API as a client reads it; its `Shape` declares the members.
package struct Document: Sendable {
    private let json: JSON

    /// What it should be, for the error.
    private let name: String

    /// A document that should be of the shape called `name`.
    package init(_ json: JSON, _ name: String) {
        self.json = json
        self.name = name
    }

    /// Makes sure that an object of a client has no other members than these.
    ///
    /// - Throws: `OperationError` that names the first unknown one, and a near one.
    package func expectOnly(_ keys: [String]) throws(OperationError) {
        guard let object = json.object else {
            throw OperationError(.invalid, "the request must be a JSON object; see /api/v1/openapi.json")
        }
        guard let unknown = object.keys.first(where: { !keys.contains($0) }) else { return }
        let hint = Suggestion.nearest(to: unknown, among: keys).map { "; did you mean '\($0)'?" } ?? ""
        throw OperationError(.invalid, "\(name) has no member '\(unknown.printable)'\(hint)")
    }

    /// Whether there is a value of this name that is not null.
    package func has(_ key: String) -> Bool { json[key].map { $0 != .null } ?? false }

    /// Any value; nil where it is null or left out.
    package func any(_ key: String) -> JSON? { json[key].flatMap { $0 == .null ? nil : $0 } }

    /// What `convert` makes of a member.
    ///
    /// - Throws: `OperationError` where it makes nothing of it, or there is none.
    package func value<Value>(_ key: String, _ convert: (JSON) -> Value?) throws(OperationError) -> Value {
        guard let value = json[key].flatMap(convert) else { throw mismatch(key) }
        return value
    }

    /// What `convert` makes of a member; nil where that is null or left out.
    ///
    /// - Throws: `OperationError` where it makes nothing of it.
    package func optional<Value>(_ key: String, _ convert: (JSON) -> Value?) throws(OperationError) -> Value? {
        guard let found = any(key) else { return nil }
        guard let value = convert(found) else { throw mismatch(key) }
        return value
    }

    /// The documents of a list, each read by `read`.
    ///
    /// - Throws: `OperationError` where there is no list, and what `read` throws.
    package func list<Value>(
        _ key: String,
        _ read: (JSON) throws(OperationError) -> Value
    ) throws(OperationError) -> [Value] {
        var values: [Value] = []
        for item in try value(key, \.array) { values.append(try read(item)) }
        return values
    }

    /// The error for a member that is not as declared: the server is of another version.
    package func mismatch(_ key: String) -> OperationError {
        OperationError(
            .unavailable,
            "the server's answer has no valid '\(key)' of \(name.printable): the server and this program are of different "
                + "versions"
        )
    }

    /// A text.
    package func text(_ key: String) throws(OperationError) -> String { try value(key, \.string) }

    /// A text; nil where it is null or left out.
    package func optionalText(_ key: String) throws(OperationError) -> String? { try optional(key, \.string) }

    /// True or false.
    package func flag(_ key: String) throws(OperationError) -> Bool { try value(key, \.bool) }

    /// A number without a fraction.
    package func count(_ key: String) throws(OperationError) -> Int { try value(key) { $0.number?.integer } }

    /// The number of an event, a run or a body.
    package func number(_ key: String) throws(OperationError) -> Int64 { Int64(try count(key)) }

    /// A time in RFC 3339.
    package func time(_ key: String) throws(OperationError) -> Date {
        try value(key) { $0.string.flatMap { Date(rfc3339: $0) } }
    }

    /// A time in RFC 3339; nil where it is null or left out.
    package func optionalTime(_ key: String) throws(OperationError) -> Date? {
        try optional(key) { $0.string.flatMap { Date(rfc3339: $0) } }
    }

    /// One of the words of a type.
    package func choice<Value: RawRepresentable<String>>(_ key: String) throws(OperationError) -> Value {
        try value(key) { $0.string.flatMap { Value(rawValue: $0) } }
    }
}
