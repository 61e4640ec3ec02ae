import Crypto
import Foundation

/// What can be done to a value inside `${…}`, behind a `|`.
public struct Filter: Sendable {
    /// The word behind the `|`.
    public let name: String

    /// What it does, in one sentence.
    public let summary: String

    /// An example: the template, the payload it is used on, and what comes out.
    public let example: Example

    /// The arguments that it takes.
    let parameters: [Parameter]

    /// Turns a value into another; nil means an absent one.
    let apply: @Sendable (JSON?, [FilterCall.Argument]) throws(StepFailure) -> JSON?

    enum Parameter {
        case text
        case datePattern
        case count
    }

    /// A template, the `message` of the event it is used on, and what comes out.
    public struct Example: Sendable {
        /// The template that uses the filter.
        public let template: String

        /// The `message` of the event; null means none.
        public let message: JSON

        /// The text that comes out.
        public let result: String
    }

    /// All filters; one that is added here can be used, is checked and is documented.
    public static let all: [Filter] = [
        fallback, upper, lower, trim, truncate, json, base64, sha256, date, filename,
    ]
}

/// A filter and the arguments that a template gives it.
public struct FilterCall: Sendable, Hashable {
    /// An argument of a filter.
    public enum Argument: Sendable, Hashable {
        case text(String)
        case count(Int)
    }

    /// The name of one of `Filter.all`.
    public let name: String

    /// The arguments in their order, checked against what the filter takes.
    public let arguments: [Argument]

    /// Parses `name` or `name(argument)`.
    init(parsing text: String) throws(TemplateError) {
        let name = String(text.prefix { $0 != "(" }).trimmingCharacters(in: .whitespaces)
        guard let filter = Filter.all.first(where: { $0.name == name }) else {
            let names = Filter.all.map(\.name)
            let near = Suggestion.nearest(to: name, among: names).map { "; did you mean '\($0)'?" }
            throw TemplateError(
                "there is no filter '\(name)'\(near ?? "; there are \(names.joined(separator: ", "))")",
                code: "unknown-filter"
            )
        }
        self.name = name
        arguments = try Self.arguments(String(text.dropFirst(name.count)).trimmingCharacters(in: .whitespaces), filter)
    }

    private static func arguments(_ text: String, _ filter: Filter) throws(TemplateError) -> [Argument] {
        var inner = ""
        if !text.isEmpty {
            guard text.hasPrefix("("), text.hasSuffix(")") else { throw wrongArguments(filter) }
            inner = text.dropFirst().dropLast().trimmingCharacters(in: .whitespaces)
        }
        switch (filter.parameters.first, inner.isEmpty) {
        case (nil, true): return []
        case (.text, false), (.datePattern, false):
            guard let quote = inner.first, quote == "'" || quote == "\"", inner.count >= 2, inner.last == quote else {
                throw wrongArguments(filter)
            }
            let text = String(inner.dropFirst().dropLast())
            if filter.parameters.first == .datePattern, let fault = DatePattern.fault(in: text) {
                throw TemplateError(fault, code: "bad-filter-argument")
            }
            return [.text(text)]
        case (.count, false):
            guard let count = Int(inner), count >= 0 else { throw wrongArguments(filter) }
            return [.count(count)]
        default: throw wrongArguments(filter)
        }
    }

    private static func wrongArguments(_ filter: Filter) -> TemplateError {
        let form =
            switch filter.parameters.first {
            case nil: filter.name
            case .text: "\(filter.name)('text')"
            case .datePattern: "\(filter.name)('yyyy-MM-dd')"
            case .count: "\(filter.name)(10)"
            }
        return TemplateError("the filter '\(filter.name)' is written as '\(form)'", code: "bad-filter-argument")
    }

    func apply(to value: JSON?) throws(StepFailure) -> JSON? {
        guard let filter = Filter.all.first(where: { $0.name == name }) else { return value }
        return try filter.apply(value, arguments)
    }
}

extension Filter {
    private static let fallback = Filter(
        name: "default",
        summary: "The given text if the value is absent, null or empty.",
        example: Example(template: "${event.message | default('none')}", message: .null, result: "none"),
        parameters: [.text]
    ) { value, arguments in
        switch (value, arguments.first) {
        case (nil, .text(let text)?), (.null?, .text(let text)?), (.string("")?, .text(let text)?): .string(text)
        default: value
        }
    }

    private static let upper = text(
        "upper",
        "In upper case.",
        "${event.message | upper}",
        "ooto",
        "OOTO"
    ) { $0.uppercased() }

    private static let lower = text(
        "lower",
        "In lower case.",
        "${event.message | lower}",
        "BOUNCE",
        "bounce"
    ) { $0.lowercased() }

    private static let trim = text(
        "trim",
        "Without leading and trailing white space.",
        "[${event.message | trim}]",
        "  no ",
        "[no]"
    ) { $0.trimmingCharacters(in: .whitespacesAndNewlines) }

    private static let truncate = Filter(
        name: "truncate",
        summary: "Its first n characters; for file names use `filename`, which limits bytes.",
        example: Example(template: "${event.message | truncate(3)}", message: "reason", result: "rea"),
        parameters: [.count]
    ) { value, arguments in
        guard case .count(let count)? = arguments.first, let value else { return value }
        return .string(String(value.plainText.prefix(count)))
    }

    private static let json = Filter(
        name: "json",
        summary: "The value as JSON text.",
        example: Example(template: "${event.message | json}", message: "a \"b\"", result: #""a \"b\"""#),
        parameters: []
    ) { value, _ in .string((value ?? .null).text) }

    private static let base64 = text(
        "base64",
        "Its UTF-8 bytes in Base64 (RFC 4648, section 4).",
        "${event.message | base64}",
        "reason",
        "cmVhc29u"
    ) { Data($0.utf8).base64EncodedString() }

    private static let sha256 = text(
        "sha256",
        "The SHA-256 of its UTF-8 bytes, in 64 hex digits.",
        "${event.message | sha256 | truncate(8)}",
        "reason",
        "8fcfccf6"
    ) { text in
        SHA256.hash(data: Data(text.utf8)).hexDigits
    }

    private static let date = Filter(
        name: "date",
        summary: "An RFC 3339 time in another format (Unicode date patterns, UTC).",
        example: Example(
            template: "${event.message | date('yyyy/MM/dd')}",
            message: "2018-06-30T20:15:01.038Z",
            result: "2018/06/30"
        ),
        parameters: [.datePattern]
    ) { value, arguments throws(StepFailure) in
        guard case .text(let pattern)? = arguments.first, let value, value != .null else { return nil }
        guard let date = Date(outside: value.plainText) else {
            throw .final("the filter 'date' needs an RFC 3339 time, not \(JSON.string(value.plainText).text)")
        }
        return .string(date.text(pattern))
    }

    private static let filename = text(
        "filename",
        "Safe as a file name: all characters except letters, digits, '.', '_' and '-' become '_', and a name longer than 200 bytes is truncated "
            + "before its ending.",
        "${event.message | filename}",
        "a/b: c.pdf",
        "a_b__c.pdf"
    ) { text in
        let safe = String(
            text.map { character in
                character.isLetter || character.isNumber || "._-".contains(character) ? character : "_"
            }
        )
        let name = safe.allSatisfy { $0 == "." } ? String(repeating: "_", count: safe.count) : safe
        return name.cutAsFileName(to: 200)
    }

    /// A filter that turns text into text and leaves absence alone.
    private static func text(
        _ name: String,
        _ summary: String,
        _ template: String,
        _ message: JSON,
        _ result: String,
        _ transform: @escaping @Sendable (String) -> String
    ) -> Filter {
        Filter(
            name: name,
            summary: summary,
            example: Example(template: template, message: message, result: result),
            parameters: []
        ) { value, _ in
            guard let value, value != .null else { return nil }
            return .string(transform(value.plainText))
        }
    }
}

extension String {
    /// The text with `limit` bytes of UTF-8 at most, since a file system counts those (255 for a name); characters stay whole,
    /// and so does a short ending such as `.pdf`.
    fileprivate func cutAsFileName(to limit: Int) -> String {
        guard utf8.count > limit else { return self }
        let ending =
            lastIndex(of: ".").map { self[$0...] }.flatMap { (2...16).contains($0.utf8.count) ? $0 : nil } ?? ""
        var kept = String.UnicodeScalarView()
        var size = ending.utf8.count
        for scalar in unicodeScalars {
            size += UTF8.width(scalar)
            guard size <= limit else { break }
            kept.append(scalar)
        }
        return String(kept) + ending
    }
}
