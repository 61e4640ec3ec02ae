package import CountersignCore

/// A value of a YAML text, with its place.
package struct Node: Sendable {
    /// The kinds of YAML nodes; aliases are already replaced by the values that they refer to.
    package enum Content: Sendable {
        case scalar(Scalar)
        case sequence([Node])
        case mapping([Entry])
    }

    /// A scalar as it was written.
    package struct Scalar: Sendable {
        /// The scalar styles of YAML: without quotes, in either kind of quotes, `
        /// ` and `>`.
        package enum Style: Sendable {
            case plain
            case singleQuoted
            case doubleQuoted
            case literal
            case folded
        }

        /// The text, escapes and folding undone.
        package let text: String

        /// How the scalar was written; only a plain one can be anything but a string.
        package let style: Style
        let isOnOneLine: Bool
    }

    /// A key of a mapping and what is under it.
    package struct Entry: Sendable {
        /// The key's text; it is unique in its map.
        package let key: String

        /// The position of the key.
        package let keySpan: SourceSpan

        /// The value of the key; a null scalar where nothing is written.
        package let value: Node
    }

    /// The value, by its kind.
    package let content: Content

    /// The position of the value; for an alias, that of the value which it refers to.
    package let span: SourceSpan
}

extension Node.Scalar {
    /// The value by our own, narrow rules.
    ///
    /// Only plain `true` and `false` are booleans, only plain `null`, `~` and nothing are null, and only what is a
    /// number in JSON is a number. So `yes`, `on`, `12:30`, `0x1F` and `007` are strings: no surprise for who writes a rule.
    package var json: JSON {
        guard style == .plain else { return .string(text) }
        switch text {
        case "true": return true
        case "false": return false
        case "null", "~", "": return .null
        default: return JSONNumber(literal: text).map { .number($0) } ?? .string(text)
        }
    }
}

extension Node {
    /// The value as JSON, keys in their order.
    package var json: JSON {
        switch content {
        case .scalar(let scalar): scalar.json
        case .sequence(let items): .array(items.map(\.json))
        case .mapping(let entries):
            .object(JSONObject(entries.map { .init(key: $0.key, value: $0.value.json) }))
        }
    }

    var scalar: Scalar? {
        if case .scalar(let scalar) = content { scalar } else { nil }
    }

    var entries: [Entry]? {
        if case .mapping(let entries) = content { entries } else { nil }
    }

    var items: [Node]? {
        if case .sequence(let items) = content { items } else { nil }
    }

    /// Whether nothing is here, or null.
    var isNull: Bool { scalar?.json == .null }

    /// The word for this kind of value in a finding.
    var kind: String {
        switch content {
        case .sequence: "a list"
        case .mapping: "a map"
        case .scalar(let scalar): scalar.json == .null ? "nothing" : scalar.json.kind
        }
    }

    /// The value on one line, much as its author wrote it.
    var flow: String {
        switch content {
        case .scalar(let scalar): scalar.flow
        case .sequence(let items): "[" + items.map(\.flow).joined(separator: ", ") + "]"
        case .mapping(let entries):
            "{" + entries.map { "\($0.key): \($0.value.flow)" }.joined(separator: ", ") + "}"
        }
    }

    /// A text that two nodes share if and only if they mean the same: the order of keys does not count.
    var canonical: String {
        switch content {
        case .scalar(let scalar): scalar.json.text
        case .sequence(let items): "[" + items.map(\.canonical).joined(separator: ",") + "]"
        case .mapping(let entries):
            "{" + entries.map { JSON.string($0.key).text + ":" + $0.value.canonical }.sorted().joined(separator: ",")
                + "}"
        }
    }
}

extension Node.Scalar {
    fileprivate var flow: String {
        switch json {
        case .null: "null"
        case .string where style != .plain: JSON.string(text).text
        default: text
        }
    }
}
