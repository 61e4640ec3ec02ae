import CountersignCore
import CountersignOperations
import CountersignStore
import Foundation

extension Endpoint {
    /// The values of a request's parameters, each of them declared and of its kind.
    ///
    /// - Throws: `OperationError`.
    func checked(path: String?, query fields: FormFields, at now: Date) throws(OperationError) -> [String: String] {
        var values: [String: String] = [:]
        if let parameter = pathParameter {
            // A path that names nothing there can be names nothing there is.
            guard let path, parameter.schema.accepts(path, at: now) else {
                throw OperationError(.notFound, "there is no \(parameter.summary.lowercasedFirst) '\(path ?? "")'")
            }
            values[parameter.name] = path
        }
        for (name, value) in try query.checked(fields, at: now) { values[name] = value }
        return values
    }
}

extension [Endpoint.Parameter] {
    /// Far longer than any id or text that people look for; a longer one would make a search as slow as it likes.
    private static let longestValue = 4_096

    /// The values of fields, each of them declared and of its kind.
    ///
    /// - Throws: `OperationError`.
    func checked(_ fields: FormFields, at now: Date) throws(OperationError) -> [String: String] {
        var values: [String: String] = [:]
        for name in fields.names {
            guard let parameter = first(where: { $0.name == name }) else {
                let near = Suggestion.nearest(to: name, among: map(\.name))
                let hint = near.map { "; did you mean '\($0)'?" } ?? "; see /api/v1/openapi.json"
                throw OperationError(.invalid, "there is no parameter '\(name.printable)'\(hint)")
            }
            let value = fields[name] ?? ""
            guard value.utf8.count <= Self.longestValue else {
                throw OperationError(
                    .invalid,
                    "the parameter '\(name)' has \(value.utf8.count) bytes; \(Self.longestValue) are read"
                )
            }
            // A text that is empty is one that is not given, as an empty field of a form is.
            if case .string = parameter.schema, value.isEmpty { continue }
            guard parameter.schema.accepts(value, at: now) else {
                let words = "the parameter '\(name)' is \(parameter.schema.words), not '\(value.printable)'"
                throw OperationError(.invalid, words)
            }
            values[name] = value
        }
        return values
    }
}

extension Schema {
    /// Whether a parameter's text can mean a value of this shape.
    fileprivate func accepts(_ text: String, at now: Date) -> Bool {
        switch self {
        case .integer(let minimum, let maximum):
            Int64(text).map { (minimum...maximum).contains($0) && !text.hasPrefix("+") } ?? false
        case .dateTime: Date(rfc3339: text) != nil
        case .pointInTime: Date(pointInTime: text, now: now) != nil
        case .choice(let values): values.contains(text)
        case .pattern(let pattern): (try? Regex(pattern)).map { text.wholeMatch(of: $0) != nil } ?? false
        default: true
        }
    }

    /// The shape in words behind "is".
    fileprivate var words: String {
        switch self {
        case .integer(let minimum, .max): "a number from \(minimum) on"
        case .integer(let minimum, let maximum): "a number from \(minimum) to \(maximum)"
        case .dateTime: "a time such as 2026-01-31T09:00:00Z"
        case .pointInTime: "a time such as 2d (ago), 2026-01-31 or 2026-01-31T09:00:00Z"
        case .choice(let values): "one of \(values.joined(separator: ", "))"
        case .pattern: "'next' of an answer"
        default: "a text"
        }
    }
}

extension String {
    fileprivate var lowercasedFirst: String { prefix(1).lowercased() + dropFirst() }
}
