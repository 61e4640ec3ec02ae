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

        /// The characters of the template that are before it.
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

    private init(segments: [Segment], source: String) {
        self.segments = segments
        self.source = source
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

    /// The characters of the template that are before the fault.
    public let offset: Int

    init(_ message: String, code: String, offset: Int = 0) {
        self.message = message
        self.code = code
        self.offset = offset
    }
}

extension Template {
    /// Parses a text with `${path | filter}` in it; `$${` means a literal `${`.
    public init(parsing text: String) throws(TemplateError) {
        let read = Self.reading(text)
        if let fault = read.faults.first { throw fault }
        self = read.template
    }

    /// Reads a text to its end, and finds all that is wrong with it.
    ///
    /// The template holds what is right; it can be used where there are no faults.
    package static func reading(_ text: String) -> (template: Template, faults: [TemplateError]) {
        var segments: [Segment] = []
        var faults: [TemplateError] = []
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
                guard let (parts, length) = split(rest.dropFirst(2)) else {
                    let message = "'${' is never closed; write '$${' for a literal '${'"
                    faults.append(TemplateError(message, code: "bad-template", offset: offset + 2))
                    break
                }
                rest = rest.dropFirst(length + 3)
                do throws(TemplateError) {
                    segments.append(.value(try Expression(parts, offset: offset, length: length + 3)))
                } catch {
                    faults.append(TemplateError(error.message, code: error.code, offset: offset + 2 + error.offset))
                }
            } else {
                literal += "$"
                rest = rest.dropFirst()
            }
        }
        literal += rest
        if !literal.isEmpty { segments.append(.literal(literal)) }
        return (Template(segments: segments, source: text), faults)
    }

    /// The parts between `|` up to the closing brace, quotes respected, and how many characters they take; nil without one.
    private static func split(_ text: Substring) -> (parts: [Substring], length: Int)? {
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
        return nil
    }
}

extension Template.Expression {
    /// The expression of these parts, the first of which is its reference and the others its filters.
    fileprivate init(_ parts: [Substring], offset: Int, length: Int) throws(TemplateError) {
        reference = try Reference(parsing: parts[0].trimmed)
        var filters: [FilterCall] = []
        for part in parts.dropFirst() { filters.append(try FilterCall(parsing: part.trimmed)) }
        self.filters = filters
        self.offset = offset
        self.length = length
    }
}

extension Substring {
    /// The text without the spaces at its ends.
    var trimmed: String {
        String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}
