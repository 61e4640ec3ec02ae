package import CountersignCore

/// A document of the API and of `--json`: each member is declared once, with its key, its schema and how a value gives it.
package struct Shape<Value>: Sendable {
    /// One member of the document.
    package struct Member: Sendable {
        let key: String
        let schema: Schema
        let isOptional: Bool

        /// The member's value; nil where an optional member is left out.
        let value: @Sendable (Value) -> JSON?

        /// A member that is always there.
        package static func always(
            _ key: String,
            _ schema: Schema,
            _ value: @escaping @Sendable (Value) -> JSON
        ) -> Member {
            Member(key: key, schema: schema, isOptional: false, value: value)
        }

        /// A member that is left out where there is nothing to say.
        package static func optional(
            _ key: String,
            _ schema: Schema,
            _ value: @escaping @Sendable (Value) -> JSON?
        ) -> Member {
            Member(key: key, schema: schema, isOptional: true, value: value)
        }

        /// A time in RFC 3339, or null.
        package static func time(_ key: String, _ value: @escaping @Sendable (Value) -> String?) -> Member {
            .always(key, .nullable(.dateTime)) { JSON(value($0)) }
        }

        /// A text, or null.
        package static func text(_ key: String, _ value: @escaping @Sendable (Value) -> String?) -> Member {
            .always(key, .nullable(.string)) { JSON(value($0)) }
        }
    }

    /// The name under which `components` of the API's description have it.
    package let name: String

    /// The members in the order in which documents have them.
    package let members: [Member]

    /// A document called `name` in the OpenAPI document.
    package init(_ name: String, _ members: [Member]) {
        self.name = name
        self.members = members
    }

    /// The members for documents of values that hold one of these.
    package func members<Outer>(of part: @escaping @Sendable (Outer) -> Value) -> [Shape<Outer>.Member] {
        members.map { member in
            Shape<Outer>
                .Member(key: member.key, schema: member.schema, isOptional: member.isOptional) {
                    member.value(part($0))
                }
        }
    }

    /// The document of a value.
    package func json(_ value: Value) -> JSON {
        var object = JSONObject()
        for member in members { object[member.key] = member.value(value) }
        return .object(object)
    }

    /// What the documents look like.
    package var schema: Schema {
        .object(members.map { ($0.isOptional ? $0.key + "?" : $0.key, $0.schema) })
    }
}
