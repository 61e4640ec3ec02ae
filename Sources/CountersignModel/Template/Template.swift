/// A text with values of the event in it: `archive/${event.packageId}/manifest.json`.
public struct Template: Sendable, Hashable {
    /// A piece of the text.
    public enum Segment: Sendable, Hashable {
        case literal(String)
        case value(Expression)
    }

    /// A `${…}`: what it points at and the filters that the value goes through.
    public struct Expression: Sendable, Hashable {
        /// What it points at.
        public let reference: Reference

        /// What the value goes through, in this order.
        public let filters: [FilterCall]

        /// The characters of the template that stand before it.
        public let offset: Int

        /// How many characters it takes, `${` and `}` included.
        public let length: Int
    }

    /// The pieces of the text in their order; no two literals stand side by side.
    public let segments: [Segment]

    /// The template as it was written.
    public let source: String

    /// A template that says `text` and nothing else, whatever signs are in it.
    public init(literal text: String) {
        segments = text.isEmpty ? [] : [.literal(text)]
        source = text
    }

    /// The values in it, in their order.
    public var expressions: [Expression] {
        segments.compactMap { if case .value(let expression) = $0 { expression } else { nil } }
    }

    /// The text when there is no value in it; nil otherwise.
    public var literal: String? {
        switch segments.first {
        case nil: ""
        case .literal(let text) where segments.count == 1: text
        default: nil
        }
    }
}

/// Why a text is not a template.
public struct TemplateError: Error, Equatable {
    /// What is wrong and what to do.
    public let message: String

    /// The stable word for the kind of finding.
    public let code: String

    /// The characters of the template that stand before the fault.
    public let offset: Int

    init(_ message: String, code: String, offset: Int = 0) {
        self.message = message
        self.code = code
        self.offset = offset
    }
}

extension Template {
    /// Parses a text with `${path | filter}` in it; `$${` stands for a literal `${`.
    public init(parsing text: String) throws(TemplateError) {
        var segments: [Segment] = []
        var literal = ""
        var rest = text[...]
        while let dollar = rest.firstIndex(of: "$") {
            literal += rest[..<dollar]
            rest = rest[dollar...]
            if rest.hasPrefix("$${") {
                literal += "${"
                rest = rest.dropFirst(3)
            } else if rest.hasPrefix("${") {
                if !literal.isEmpty { segments.append(.literal(literal)) }
                literal = ""
                let offset = text.distance(from: text.startIndex, to: rest.startIndex)
                let expression = try Self.expression(at: offset, in: rest.dropFirst(2))
                segments.append(.value(expression))
                rest = rest.dropFirst(expression.length)
            } else {
                literal += "$"
                rest = rest.dropFirst()
            }
        }
        literal += rest
        if !literal.isEmpty { segments.append(.literal(literal)) }
        self.segments = segments
        source = text
    }

    /// The expression whose text, behind `${`, begins `text`.
    private static func expression(at offset: Int, in text: Substring) throws(TemplateError) -> Expression {
        let parts: [Substring]
        let length: Int
        do throws(TemplateError) {
            (parts, length) = try split(text)
            let reference = try Reference(parsing: parts[0].trimmed)
            var filters: [FilterCall] = []
            for part in parts.dropFirst() { filters.append(try FilterCall(parsing: part.trimmed)) }
            return Expression(reference: reference, filters: filters, offset: offset, length: length + 3)
        } catch {
            throw TemplateError(error.message, code: error.code, offset: offset + 2 + error.offset)
        }
    }

    /// The parts between `|` up to the closing brace, quotes respected, and how many characters they take.
    private static func split(_ text: Substring) throws(TemplateError) -> ([Substring], length: Int) {
        var parts: [Substring] = []
        var start = text.startIndex
        var quote: Character?
        for index in text.indices {
            let character = text[index]
            if let open = quote {
                if character == open { quote = nil }
                continue
            }
            switch character {
            case "'", "\"": quote = character
            case "|":
                parts.append(text[start..<index])
                start = text.index(after: index)
            case "}":
                parts.append(text[start..<index])
                return (parts, text.distance(from: text.startIndex, to: index))
            default: break
            }
        }
        throw TemplateError("'${' is never closed; write '$${' for a literal '${'", code: "bad-template")
    }
}

extension Substring {
    /// The text without the spaces at its ends.
    var trimmed: String {
        String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}
